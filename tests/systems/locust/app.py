"""A hello world as the field has it. Says at /count how many requests of Locust's came for /, each of
which takes as long as is said."""

import sys
import threading
import time

from flask import Flask, request

app = Flask(__name__)
takes = float(sys.argv[2])
lock = threading.Lock()
came = 0


@app.route("/")
def hello():
    global came
    if "python-requests" in request.headers.get("User-Agent", ""):
        with lock:
            came += 1
    time.sleep(takes)
    return "Hello, World!"


@app.route("/count")
def count():
    return str(came)


app.run(host="127.0.0.1", port=int(sys.argv[1]), threaded=True)
