#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page for the phone in headless Chromium: the (drawn) camera, a chosen photo, all three tasks, errors; screenshots for people to look at."""
import pathlib
import shutil
import sys
import unittest

from browser import Browser
from server import Server, arguments

OPTIONS = None


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(OPTIONS.server, models=OPTIONS.folder)
        cls.shots = pathlib.Path(OPTIONS.screenshots)
        cls.shots.mkdir(parents=True, exist_ok=True)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop()[0] == 0

    def open(self, browser):
        browser.open(f"http://localhost:{self.server.port}/")
        browser.wait("document.querySelectorAll('#model option').length > 0")

    def analyse(self, browser, model, picture):
        browser.run(f"document.getElementById('model').value = '{model}'")
        browser.choose_file("#file", OPTIONS.pictures / picture)
        browser.wait("!document.getElementById('analyse').disabled")
        browser.run("document.getElementById('analyse').click()")
        browser.wait("document.getElementById('status').textContent.includes('ms')")
        return browser.run("[...document.querySelectorAll('#results li')].map(row => row.textContent)")

    def test_camera_photo_is_classified(self):
        with Browser() as browser:
            self.open(browser)
            browser.run("document.getElementById('model').value = 'grocery_int8'")
            browser.run("document.getElementById('camera').click()")
            browser.wait("!document.getElementById('video').hidden && document.getElementById('video').videoWidth > 0")
            browser.run("document.getElementById('shoot').click()")
            browser.wait("!document.getElementById('analyse').disabled")
            self.assertTrue(browser.run("document.getElementById('video').hidden"))
            self.assertGreater(browser.run("document.getElementById('canvas').width"), 100)
            browser.run("document.getElementById('analyse').click()")
            browser.wait("document.querySelectorAll('#results li').length === 5")
            browser.screenshot(self.shots / "camera.png")
            self.assertEqual(browser.complaints, [])

    def test_chosen_photos_and_every_task(self):
        with Browser(dark=True) as browser:
            self.open(browser)
            rows = self.analyse(browser, "cells_yolov3_int8", "smear.png")
            self.assertTrue(any(row.startswith("RBC") for row in rows), rows)
            browser.screenshot(self.shots / "boxes.png")
            rows = self.analyse(browser, "membrane_int8", "tissue.png")
            self.assertTrue(any(row.startswith("cell") for row in rows), rows)
            browser.screenshot(self.shots / "mask.png")
            rows = self.analyse(browser, "fruits_int8", "oranges.png")
            self.assertEqual(len(rows), 5)
            browser.screenshot(self.shots / "classes.png")
            self.assertEqual(browser.complaints, [])

    def test_errors_are_shown(self):
        with Browser() as browser:
            self.open(browser)
            browser.run("document.getElementById('model').append(new Option('gone', 'gone')); models.push({name: 'gone', task: 'classify'})")
            browser.run("document.getElementById('model').value = 'gone'")
            browser.choose_file("#file", OPTIONS.pictures / "smear.png")
            browser.wait("!document.getElementById('analyse').disabled")
            browser.run("document.getElementById('analyse').click()")
            browser.wait("document.getElementById('status').className === 'bad'")
            self.assertIn("'gone'", browser.run("document.getElementById('status').textContent"))

    def test_api_key_is_asked_for_and_kept(self):
        with Server(OPTIONS.server, models=OPTIONS.folder, env={"EDGE_SERVER_API_KEY": "sesame"}) as server, Browser() as browser:
            browser.open(f"http://localhost:{server.port}/")
            browser.wait("document.getElementById('status').className === 'bad'")
            self.assertIn("API key", browser.run("document.getElementById('status').textContent"))
            browser.run("key = document.getElementById('key'); key.value = 'sesame'; key.dispatchEvent(new Event('change'))")
            browser.wait("document.querySelectorAll('#model option').length > 0")
            browser.open(f"http://localhost:{server.port}/")
            browser.wait("document.querySelectorAll('#model option').length > 0")


if __name__ == "__main__":
    OPTIONS = arguments("screenshots")
    OPTIONS.screenshots = OPTIONS.screenshots or "edge_server_shots"
    if not shutil.which("chromium"):
        print("skipped: no chromium")
        sys.exit(0)
    try:
        result = unittest.main(argv=sys.argv[:1], exit=False).result
    finally:
        shutil.rmtree(OPTIONS.work)
    sys.exit(0 if result.wasSuccessful() else 1)
