#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Android example's client, on this machine's Java, against the edge server. Android's own classes that it uses have
small stand-ins (android/); org.json is Android's (Debian's libandroid-json-org-java)."""
import pathlib
import shutil
import subprocess
import sys
import unittest

from server import Server, arguments

HERE = pathlib.Path(__file__).resolve().parent
JSON = "/usr/share/java/json-android.jar"
OPTIONS = None


def compile_client(out):
    app = HERE.parents[1] / "examples/android/app/src/main/java/ai/dotori/example"
    sources = [app / f"{name}.java" for name in ("Analyser", "Answer", "ServerAnalyser")] + sorted((HERE / "android").rglob("*.java"))
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-cp", JSON, "-d", out, *sources], check=True)


def ask(server, task, picture):
    run = subprocess.run(["java", "-cp", f"{OPTIONS.work / 'classes'}:{JSON}", "ai.dotori.example.AskServer", server, task,
                          OPTIONS.pictures / picture], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compile_client(OPTIONS.work / "classes")
        cls.server = Server(OPTIONS.server, models=OPTIONS.folder)
        cls.address = f"http://127.0.0.1:{cls.server.port}"

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop()[0] == 0

    def answer(self, task, picture):
        status, answer = self.server.json("POST", f"/v1/{task}", (OPTIONS.pictures / picture).read_bytes())
        self.assertEqual(status, 200, answer)
        return answer

    def test_classes(self):
        wanted = [f"{c['label']} {100 * c['score']:.1f}%" for c in self.answer("classify", "oranges.png")["classes"]]
        self.assertEqual(len(wanted), 5)
        self.assertEqual(ask(self.address, "classify", "oranges.png"), wanted)

    def test_boxes(self):
        rows = ask(self.address + "/", "detect", "smear.png")
        boxes = self.answer("detect", "smear.png")["boxes"]
        self.assertGreater(len(boxes), 5)
        self.assertEqual([row.split()[0] for row in rows], [b["label"] for b in boxes])
        for row, box in zip(rows, boxes):
            self.assertAlmostEqual(float(row.split()[2]), box["x0"], delta=0.06)

    def test_mask(self):
        status, _, png = self.server.ask("POST", "/v1/segment", (OPTIONS.pictures / "tissue.png").read_bytes(), {"Accept": "image/png"})
        self.assertEqual(status, 200)
        from PIL import Image
        import io
        mask = Image.open(io.BytesIO(png))
        counts = mask.histogram()
        self.assertEqual(ask(self.address, "segment", "tissue.png"), [f"mask {mask.width}x{mask.height}: {counts[0]} {counts[1]}"])

    def test_errors_and_key(self):
        self.assertEqual(ask("http://127.0.0.1:1", "detect", "smear.png")[0][:6], "error:")
        with Server(OPTIONS.server, models=OPTIONS.folder, env={"EDGE_SERVER_API_KEY": "open sesame/1"}) as server:
            rows = ask(f"127.0.0.1:{server.port}", "detect", "smear.png")
            self.assertEqual(rows, ["error: the server answered 401: the API key is missing or wrong"])
            self.assertGreater(len(ask(f"http://open%20sesame%2F1@127.0.0.1:{server.port}", "detect", "smear.png")), 5)


if __name__ == "__main__":
    if not shutil.which("javac") or not pathlib.Path(JSON).exists():
        print("skipped: no Java, or no Android JSON (libandroid-json-org-java)")
        sys.exit(0)
    OPTIONS = arguments()
    try:
        result = unittest.main(argv=sys.argv[:1], exit=False).result
    finally:
        shutil.rmtree(OPTIONS.work)
    sys.exit(0 if result.wasSuccessful() else 1)
