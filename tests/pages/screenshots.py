#!/usr/bin/env python3
"""usage: screenshots.py PROGRAM FOLDER
The README's pictures: the upper part of pages made from the bundled trace."""
import os
import subprocess
import sys
import tempfile

from browser import browser, scheme, screenshot, size

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACE = ["--trace", "traces/chat.jsonl", "--config", "configs/demo.json", "--data-plane", "off", "--quiet"]
WIDTH, HEIGHT = 1200, 1150
SHOTS = {
    "replay": ["replay", *TRACE],
    "fleet": ["replay", *TRACE, "--arrival-speedup-ratio", "4", "--replicas", "4", "--router", "least-requests", "--replica-failures",
              '[{"at_s":4,"replica":2,"down_s":3}]'],
    "sweep": ["sweep", *TRACE, "--vary", "num_gpu_blocks=200:500:50", "--vary", "block_size=8,16", "--vary", "max_num_seqs=8,16,32"],
}


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    driver = browser()
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in SHOTS.items():
            page = f"{scratch}/{name}.html"
            subprocess.run([program, *command, "--html", page], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            scheme(driver, "light")
            size(driver, WIDTH, HEIGHT)
            driver.get("file://" + page)
            screenshot(driver, f"{folder}/{name}.png")
            print(f"{folder}/{name}.png")
    driver.quit()


main()
