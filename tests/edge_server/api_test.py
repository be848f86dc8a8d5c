#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The edge server's answers, refusals and behaviour under load. The answers are compared with those of the `dotori` program."""
import base64
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

from server import Server, arguments

OPTIONS = None
PHOTOS = {"classify": "oranges.png", "detect": "smear.png", "segment": "tissue.png"}


def photo(route):
    return (OPTIONS.pictures / PHOTOS[route]).read_bytes()


def model_for(route, precision="int8"):
    return {"classify": "grocery_int8", "detect": "cells_yolov3_int8", "segment": "membrane_int8"}[route]


def expected(route):
    """The program's answer for the same photo and model."""
    run = subprocess.run([OPTIONS.dotori, "run", f"{OPTIONS.folder}/{model_for(route)}.dtr", OPTIONS.pictures / PHOTOS[route], "--json"],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["results"][0]


def png(width, height, rows=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(OPTIONS.server, models=OPTIONS.folder)

    @classmethod
    def tearDownClass(cls):
        code, errors = cls.server.stop()
        assert code == 0, (code, errors)

    def test_classes_are_the_programs(self):
        status, answer = self.server.json("POST", f"/v1/classify?top=3&model={model_for('classify')}", photo("classify"))
        self.assertEqual(status, 200, answer)
        wanted = expected("classify")["top"][:3]
        self.assertEqual([c["label"] for c in answer["classes"]], [c["label"] for c in wanted])
        for found, right in zip(answer["classes"], wanted):
            self.assertAlmostEqual(found["score"], right["score"], places=4)
        self.assertEqual((answer["width"], answer["height"]), (720, 720))
        self.assertGreater(answer["timing_ms"]["total"], 0)

    def test_boxes_are_the_programs(self):
        status, answer = self.server.json("POST", f"/v1/detect?model={model_for('detect')}", photo("detect"))
        self.assertEqual(status, 200, answer)
        wanted = expected("detect")["boxes"]
        self.assertGreater(len(wanted), 5)
        self.assertEqual(len(answer["boxes"]), len(wanted))
        for found, right in zip(answer["boxes"], wanted):
            self.assertEqual(found["label"], right["label"])
            self.assertAlmostEqual(found["x0"], right["x0"], delta=0.01)
            self.assertAlmostEqual(found["y1"], right["y1"], delta=0.01)

    def test_mask_has_the_photos_size(self):
        path = f"/v1/segment?model={model_for('segment')}"
        status, answer = self.server.json("POST", path, photo("segment"))
        self.assertEqual(status, 200, answer)
        status, headers, data = self.server.ask("POST", path, photo("segment"), {"Accept": "image/png"})
        self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
        self.assertEqual(data, base64.b64decode(answer["mask_png"]))
        self.assertEqual(struct.unpack(">II", data[16:24]), (512, 512))
        self.assertEqual(answer["labels"], ["membrane", "cell"])

    def test_form_and_raw_answer_alike(self):
        raw = self.server.json("POST", "/v1/detect", photo("detect"))[1]["boxes"]
        body = (b"--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xyz\r\nContent-Disposition: form-data; "
                b"name=\"photo\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + photo("detect") + b"\r\n--xyz--\r\n")
        status, answer = self.server.json("POST", "/v1/detect", body, {"Content-Type": "multipart/form-data; boundary=xyz"})
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["boxes"], raw)

    def test_models_and_health_and_page(self):
        status, answer = self.server.json("GET", "/v1/models")
        self.assertEqual(status, 200)
        names = [m["name"] for m in answer["models"]]
        self.assertEqual(names, sorted(names))
        self.assertEqual({m["task"] for m in answer["models"]}, {"classify", "detect", "segment"})
        self.assertEqual(self.server.json("GET", "/healthz")[1]["status"], "ok")
        for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css")):
            status, headers, _ = self.server.ask("GET", path)
            self.assertEqual(status, 200)
            self.assertTrue(headers["Content-Type"].startswith(kind))
            self.assertIn("default-src 'self'", headers["Content-Security-Policy"])

    def test_refusals_say_why(self):
        cases = [
            ("POST", "/v1/classify", b"this is no photo", 400, "not a JPEG"),
            ("POST", "/v1/classify", b"", 400, "no photo"),
            ("POST", "/v1/classify", photo("classify")[:2000], 400, "PNG"),
            ("POST", "/v1/classify?model=none", photo("classify"), 404, "'none'"),
            ("POST", f"/v1/classify?model={model_for('detect')}", photo("classify"), 404, "for detection"),
            ("POST", "/v1/classify?top=0", photo("classify"), 400, "'0'"),
            ("POST", "/v1/classify?top=many", photo("classify"), 400, "'many'"),
            ("GET", "/nothing", None, 404, "/nothing"),
            ("POST", "/v1/detect", png(60000, 60000), 413, "60000x60000"),
            ("POST", "/v1/detect", png(6000, 6000, b"\0" * 1000), 400, "PNG"),
        ]
        for method, path, body, wanted, words in cases:
            with self.subTest(path=path):
                status, answer = self.server.json(method, path, body)
                self.assertEqual(status, wanted, answer)
                self.assertIn(words, answer["error"])

    def test_large_body(self):
        status, answer = self.server.json("POST", "/v1/detect", b"x" * (17 << 20))
        self.assertEqual(status, 413, answer)

    def test_connection_goes_on_after_an_error(self):
        connection = self.server.connect()
        self.assertEqual(self.server.json("POST", "/v1/classify", b"x" * 100000, connection=connection)[0], 400)
        self.assertEqual(self.server.json("POST", "/v1/detect", photo("detect"), connection=connection)[0], 200)
        connection.close()

    def test_metrics_count(self):
        def count():
            text = self.server.ask("GET", "/metrics")[2].decode()
            rows = [line for line in text.splitlines() if line.startswith('edge_requests_total{route="/v1/segment",status="200"}')]
            return int(rows[0].split()[-1]) if rows else 0
        before = count()
        self.server.ask("POST", "/v1/segment", photo("segment"))
        deadline = time.time() + 5  # a request is counted when its answer has left
        while count() == before and time.time() < deadline:
            time.sleep(0.01)
        self.assertEqual(count(), before + 1)

    def test_garbage_bytes(self):
        noise = random.Random(3)
        for i in range(200):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=5) as s:
                data = bytes(noise.randrange(256) for _ in range(noise.randrange(1, 400)))
                if i % 3 == 0:
                    data = b"POST /v1/detect HTTP/1.1\r\nContent-Length: " + str(noise.randrange(500)).encode() + b"\r\n\r\n" + data
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                try:
                    while s.recv(4096):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.server.json("POST", "/v1/detect", photo("detect"))[0], 200)


class Protection(unittest.TestCase):
    def test_api_key(self):
        with Server(OPTIONS.server, models=OPTIONS.folder, env={"EDGE_SERVER_API_KEY": "sesame"}) as server:
            for headers in ({}, {"X-API-Key": "sesamE"}, {"X-API-Key": "sesame2"}, {"Authorization": "Bearer x"}):
                self.assertEqual(server.json("POST", "/v1/detect", photo("detect"), headers)[0], 401)
                self.assertEqual(server.json("GET", "/v1/models", headers=headers)[0], 401)
                self.assertEqual(server.json("POST", "/v1/reload", headers=headers)[0], 401)
            self.assertEqual(server.json("POST", "/v1/detect", photo("detect"), {"X-API-Key": "sesame"})[0], 200)
            self.assertEqual(server.json("POST", "/v1/detect", photo("detect"), {"Authorization": "Bearer sesame"})[0], 200)
            self.assertEqual(server.json("GET", "/healthz")[0], 200)

    def test_tls(self):
        cert, key = OPTIONS.work / "cert.pem", OPTIONS.work / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key,
                        "-out", cert], check=True, capture_output=True)
        with Server(OPTIONS.server, "--tls-cert", cert, "--tls-key", key, models=OPTIONS.folder) as server:
            self.assertTrue(server.tls)
            self.assertEqual(server.json("POST", "/v1/detect", photo("detect"))[0], 200)
            self.assertEqual(server.stop()[0], 0)
        bad = subprocess.run([OPTIONS.server, "--models", OPTIONS.folder, "--tls-cert", key, "--tls-key", cert], capture_output=True, text=True)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("PEM", bad.stderr)

    def test_wrong_options(self):
        config = OPTIONS.work / "edge.json"
        cases = [('{"prot": 80}', "unknown key 'prot'"), ('{"port": "80"}', "'port': expected a whole number"), ("{", "expected one JSON object"),
                 ('{"queue": 0}', "'queue': expected a whole number from 1"), ('{"defaults": {"look": "x"}}', "found 'look'")]
        for text, words in cases:
            config.write_text(text)
            run = subprocess.run([OPTIONS.server, "--config", config], capture_output=True, text=True)
            self.assertEqual(run.returncode, 2)
            self.assertIn(words, run.stderr)
        for arguments_, code, words in ((["--models", "/nowhere"], 1, "/nowhere"), ([], 2, "--models"), (["--help"], 0, "")):
            run = subprocess.run([OPTIONS.server, *arguments_], capture_output=True, text=True)
            self.assertEqual(run.returncode, code)
            self.assertIn(words, run.stderr)

    def test_config_file(self):
        config = OPTIONS.work / "good.json"
        config.write_text(json.dumps({"models": str(OPTIONS.folder), "workers": 1, "max-body-bytes": 2000,
                                      "defaults": {"detect": "cells_yolov4_int8"}}))
        with Server(OPTIONS.server, "--config", config) as server:
            models = server.json("GET", "/v1/models")[1]["models"]
            self.assertEqual([m["name"] for m in models if m["task"] == "detect" and m["default"]], ["cells_yolov4_int8"])
            self.assertEqual(server.json("POST", "/v1/detect", photo("detect"))[0], 413)


class UnderLoad(unittest.TestCase):
    def test_full_queue_says_so_at_once(self):
        with Server(OPTIONS.server, "--workers", "1", "--queue", "1", models=OPTIONS.folder) as server:
            found, lock = [], threading.Lock()

            def send():
                start = time.time()
                status, headers, _ = server.ask("POST", f"/v1/segment?model={model_for('segment')}", photo("segment"))
                with lock:
                    found.append((status, headers.get("Retry-After"), time.time() - start))
            threads = [threading.Thread(target=send) for _ in range(12)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            statuses = [f[0] for f in found]
            self.assertGreaterEqual(statuses.count(200), 2)
            self.assertGreaterEqual(statuses.count(503), 1)
            self.assertEqual(len(statuses), statuses.count(200) + statuses.count(503))
            self.assertTrue(all(after == "1" for status, after, _ in found if status == 503))

    def test_slow_clients_do_not_starve_good_ones(self):
        with Server(OPTIONS.server, "--request-seconds", "4", models=OPTIONS.folder) as server:
            slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
            for i, s in enumerate(slow):
                s.sendall(b"POST /v1/detect HTTP/1.1\r\nHost: x\r\n" + (b"Content-Length: 100000\r\n\r\n" if i % 2 else b"X-Slow: "))
            good, dropped, start = 0, set(), time.time()
            while time.time() - start < 9:
                self.assertEqual(server.json("POST", "/v1/detect", photo("detect"))[0], 200)
                good += 1
                for i, s in enumerate(slow):
                    try:
                        s.send(b"x")
                    except OSError:
                        dropped.add(i)
                time.sleep(0.3)
            self.assertGreater(good, 5)
            self.assertEqual(len(dropped), 200, "every slow client is to be dropped after --request-seconds")
            for s in slow:
                s.close()

    def test_more_connections_than_allowed(self):
        with Server(OPTIONS.server, "--max-connections", "3", models=OPTIONS.folder) as server:
            held = [server.connect() for _ in range(3)]
            for connection in held:
                self.assertEqual(server.ask("GET", "/healthz", connection=connection)[0], 200)
            status, headers, _ = server.ask("GET", "/healthz")
            self.assertEqual((status, headers["Retry-After"]), (503, "1"))
            for connection in held:
                connection.close()
            time.sleep(0.3)
            self.assertEqual(server.ask("GET", "/healthz")[0], 200)

    def test_reload_loses_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(OPTIONS.folder / f"{model_for('detect')}.dtr", f"{folder}/a.dtr")
            with Server(OPTIONS.server, "--queue", "64", models=folder) as server:
                failures, answers, stop = [], [], threading.Event()
                wanted = server.json("POST", "/v1/detect", photo("detect"))[1]["boxes"]

                def load():
                    connection = server.connect()
                    while not stop.is_set():
                        status, answer = server.json("POST", "/v1/detect", photo("detect"), connection=connection)
                        answers.append(status)
                        if status != 200 or answer["boxes"] != wanted:
                            failures.append((status, answer))
                    connection.close()
                threads = [threading.Thread(target=load) for _ in range(4)]
                for t in threads:
                    t.start()
                for i in range(4):
                    time.sleep(0.3)
                    status, answer = server.json("POST", "/v1/reload")
                    self.assertEqual((status, answer["generation"]), (200, i + 2))
                with open(f"{folder}/broken.dtr", "wb") as f:
                    f.write(b"no model")
                status, answer = server.json("POST", "/v1/reload")
                self.assertEqual(status, 409)
                self.assertIn("broken.dtr", answer["error"])
                server.process.send_signal(signal.SIGHUP)
                time.sleep(0.3)
                self.assertEqual(server.json("GET", "/v1/models")[1]["generation"], 5)
                stop.set()
                for t in threads:
                    t.join()
                self.assertEqual(failures, [])
                self.assertGreater(len(answers), 8)
                code, errors = server.stop()
                self.assertEqual(code, 0)
                self.assertIn("broken.dtr", errors)

    def test_sigterm_finishes_what_was_taken(self):
        with Server(OPTIONS.server, "--workers", "1", "--queue-seconds", "60", models=OPTIONS.folder) as server:
            found = []
            path = f"/v1/segment?model={model_for('segment')}"
            threads = [threading.Thread(target=lambda: found.append(server.ask("POST", path, photo("segment"))[0])) for _ in range(4)]
            for t in threads:
                t.start()
            deadline = time.time() + 20
            while time.time() < deadline:
                text = server.ask("GET", "/metrics")[2].decode()
                waiting = int(text.split("\nedge_queue_waiting ")[1].split()[0]) + int(text.split("\nedge_workers_busy ")[1].split()[0])
                if waiting + len(found) == 4:
                    break
            code, _ = server.stop()
            for t in threads:
                t.join()
            self.assertEqual(code, 0)
            self.assertEqual(found, [200] * 4)

    def test_memory_stays(self):
        if "AddressSanitizer" in os.environ.get("EDGE_SERVER_BUILD", ""):
            self.skipTest("a sanitizer keeps freed memory")
        with Server(OPTIONS.server, models=OPTIONS.folder) as server:
            def many(n):
                for _ in range(n):
                    server.ask("POST", "/v1/detect", photo("detect"))
                    server.ask("POST", "/v1/detect", b"garbage")
            many(100)
            before = server.rss_kb()
            many(120)
            self.assertLess(server.rss_kb() - before, 8000)
            for _ in range(10):
                self.assertEqual(server.json("POST", "/v1/reload")[0], 200)
                many(2)
            self.assertLess(server.rss_kb() - before, 40000)


if __name__ == "__main__":
    OPTIONS = arguments("only")
    try:
        result = unittest.main(argv=sys.argv[:1] + ([OPTIONS.only] if OPTIONS.only else []), exit=False).result
    finally:
        shutil.rmtree(OPTIONS.work)
    sys.exit(0 if result.wasSuccessful() else 1)
