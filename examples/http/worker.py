#!/usr/bin/env python3
"""A worker in Python, with nothing but its standard library.

    OMOI_URL=http://127.0.0.1:4600 OMOI_AGENT_TOKEN=... OMOI_AGENT_ID=counter-1 python3 worker.py

It counts the words of tasks of type `count_words`: {"text": "...", "pause_seconds": 0.5}. As a process of a pool it finds who it is
in its environment, and its output is kept by Omoi.
"""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("OMOI_URL", "http://127.0.0.1:4600")
TOKEN = os.environ.get("OMOI_AGENT_TOKEN", "")
AGENT = os.environ.get("OMOI_AGENT_ID", f"counter-{os.getpid()}")
TASK_TYPES = ["count_words"]
# How long a claim holds without being renewed; the server's default where nothing is said.
LEASE = {"lease_ms": int(os.environ["LEASE_MS"])} if "LEASE_MS" in os.environ else {}


class Refused(Exception):
    """An answer that is an error: `code` says which one, `docs` where the server tells about it."""

    def __init__(self, status, body):
        super().__init__(f"{body.get('error')}: {body.get('message')} ({URL}{body.get('docs', '')})")
        self.status = status
        self.code = body.get("error")


def post(path, body, timeout=60):
    request = urllib.request.Request(
        f"{URL}/api/v1/fleet{path}",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {TOKEN}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(error.code, json.load(error)) from None


def insist(path, body, until=None):
    """As `post`, for as long as the server is away (503, 429 or no answer): what is asked here may be asked again.

    Gives up, with None, once `until` is set.
    """
    wait = 0.2
    while until is None or not until.is_set():
        try:
            return post(path, body)
        except Refused as refused:
            if refused.status not in (429, 503):
                raise
        except OSError:
            pass
        time.sleep(wait)
        wait = min(wait * 2, 5)


class Worker:
    def __init__(self):
        self.leaving = threading.Event()  # no more work is taken
        self.gone = threading.Event()  # nothing is said any more
        # The nonce is this process's own: a repeated registration is the same process, another nonce another one.
        registration = {"agent_id": AGENT, "agent_type": "worker", "nonce": uuid.uuid4().hex}
        for key, variable in (("pool_id", "OMOI_POOL_ID"), ("phase_id", "OMOI_PHASE_ID")):
            if variable in os.environ:
                registration[key] = os.environ[variable]
        if "OMOI_AGENT_GENERATION" in os.environ:  # Omoi has started this process, and says who it is
            registration["generation"] = int(os.environ["OMOI_AGENT_GENERATION"])
            registration["nonce"] = os.environ["OMOI_AGENT_NONCE"]
        answer = insist("/agents", registration)
        self.me = {"agent_id": AGENT, "generation": answer["generation"]}
        self.interval = answer["heartbeat_interval_ms"] / 1000
        self.in_flight = 0
        print(f"registered {AGENT} generation {answer['generation']}", flush=True)

    def beat(self):
        """Says that it is alive until it is gone, also while it works; the answer may ask it to leave."""
        sequence = 0
        while not self.gone.is_set():
            sequence += 1
            beat = {"generation": self.me["generation"], "sequence": sequence, "in_flight": self.in_flight}
            try:
                if post(f"/agents/{AGENT}/heartbeat", beat, timeout=5)["desired"] == "drain":
                    self.leave("asked to leave")
            except Refused as refused:
                if refused.status == 409:  # another generation has taken over
                    self.leave(str(refused))
            except OSError:
                pass  # the server is away: work goes on, and it hears of it later
            self.gone.wait(self.interval)

    def leave(self, why):
        if not self.leaving.is_set():
            print(f"leaving: {why}", flush=True)
        self.leaving.set()

    def run(self):
        threading.Thread(target=self.beat, daemon=True).start()
        while not self.leaving.is_set():
            # Waits in the server until there is work: no polling. A signal, or a drain, is noticed in a second.
            asked = {**self.me, "task_types": TASK_TYPES, "wait_ms": 1000, **LEASE}
            claim = insist("/tasks/claim", asked, until=self.leaving) or {"tasks": []}
            if claim.get("desired") == "drain":
                self.leave("asked to leave")
            for task in claim["tasks"]:
                self.settle(task)
        self.gone.set()
        # Once: where the server is away, it hears of the end by the silence.
        post(f"/agents/{AGENT}/deregister", {"generation": self.me["generation"], "reason": "done"})
        print("deregistered", flush=True)

    def settle(self, task):
        path = f"/tasks/{task['task_id']}"
        held = {**self.me, "attempt": task["attempt"]}
        done = threading.Event()
        keeper = threading.Thread(target=self.keep, args=(path, held, task["lease_ms"] / 1000, done))
        keeper.start()
        self.in_flight = 1
        try:
            try:
                answer = ("complete", {"result": count_words(task["payload"])})
            except Exception as failure:  # what the work itself does wrong
                answer = ("fail", {"error": repr(failure), "retry": False})
            done.set()
            keeper.join()
            insist(f"{path}/{answer[0]}", {**held, **answer[1]})
            print(f"{answer[0]} {task['task_id']}", flush=True)
        except Refused as refused:
            # The lease is lost: somebody else has the task, and this result does not count.
            print(f"refused {task['task_id']}: {refused}", flush=True)
        finally:
            self.in_flight = 0

    def keep(self, path, held, lease, done):
        """Renews the lease three times as often as it would run out, until the work is done."""
        while not done.wait(lease / 3):
            try:
                post(f"{path}/renew", held, timeout=5)
            except Refused as refused:
                if refused.status == 409:
                    return  # lost; the completion will be refused
            except OSError:
                pass


def count_words(payload):
    words = payload["text"].split()
    for _ in words:
        time.sleep(payload.get("pause_seconds", 0))
    return {"words": len(words)}


if __name__ == "__main__":
    worker = Worker()
    signal.signal(signal.SIGTERM, lambda *_: worker.leave("SIGTERM"))
    signal.signal(signal.SIGINT, lambda *_: worker.leave("SIGINT"))
    worker.run()
