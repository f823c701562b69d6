# Copyright: the guestlua authors
# The licence is that of guestlua: see LICENSE.
"""Runs guestlua, and makes of its --result what a module gives back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ctypes
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

COMMON = dict(
    uri=dict(type="str"),
    timeout=dict(type="float"),
    recover=dict(type="bool", default=False),
    executable=dict(type="path", default="guestlua"),
)

PR_SET_PDEATHSIG = 1


def _apart():
    # In a session of its own: a terminal that is lost would send the script a signal too, and a second one kills it before it has undone anything.
    os.setsid()
    # Whoever kills this process outright ends the script by a signal that it can answer.
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        pass


def _run(command, limit, data):
    # Without threads: each of them that dies would count as the parent's death.
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_apart)
    stopped = []

    def stop(*signal_and_frame):
        # The script takes back what it has begun, and is waited for. A second signal would kill it.
        if not stopped:
            stopped.append(True)
            child.send_signal(signal.SIGTERM)

    before = dict((signo, signal.signal(signo, stop)) for signo in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
    deadline = time.monotonic() + limit if limit else None
    # An SSH session without a terminal sends no signal when it is lost: nobody reads standard output any more.
    reader = select.poll()
    reader.register(1, 0)
    try:
        while True:
            try:
                out, err = child.communicate(data, timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                data = None  # it has that
            if reader.poll(0) or deadline and time.monotonic() > deadline:
                stop()
    finally:
        for signo, handler in before.items():
            signal.signal(signo, handler)
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _ended(module, command, limit, data, recovered):
    """Runs guestlua: gives its document, its exit code, and what it printed. recovered: the document of a recovery before it."""
    directory = tempfile.mkdtemp(prefix="guestlua.", dir=module.tmpdir)
    result = os.path.join(directory, "result")
    command = command[:1] + ["-q", "--result", result] + command[1:]
    try:
        code, out, err = _run(command, limit, data)
        with open(result) as file:
            return json.load(file), code, out, err
    except (IOError, OSError, ValueError) as e:
        module.fail_json(msg="guestlua gave no result: %s" % e, changed=recovered.get("changed", False), recovered=recovered.get("recovered", []),
                         rc=locals().get("code"), stdout=locals().get("out"), stderr=locals().get("err"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run(module, script, arguments=(), data=None):
    """Runs a script: a path. Gives guestlua's document, and what the script printed; fails the module if there is no document."""
    if module.params["timeout"] is not None and not module.params["timeout"] > 0:
        module.fail_json(msg="timeout: seconds expected, more than 0, got %s" % module.params["timeout"])
    base = [module.get_bin_path(module.params["executable"], True)]
    if module.params["uri"]:
        base += ["-c", module.params["uri"]]
    recovered = {}
    if module.params["recover"] and not module.check_mode:
        recovered, code, out, err = _ended(module, base + ["recover"], None, b"", {})
        if code != 0:
            module.fail_json(msg="guestlua recover: %s" % (err.strip() or out.strip()), recovered=recovered.get("recovered", []),
                             changed=recovered.get("changed", False), error=recovered.get("error") or {}, stdout=out, stderr=err, rc=code)
    options = ["--dry-run"] if module.check_mode else []
    document, code, out, err = _ended(module, base + options + ["--", script] + list(arguments), module.params["timeout"],
                                      (data or "").encode("utf-8"), recovered)
    document["changed"] = document.get("changed", False) or recovered.get("changed", False)
    document["recovered"] = recovered.get("recovered", []) + document.get("recovered", [])
    return document, code, out, err


def finish(module, document, code, out, err, own=False, **more):
    """Ends the module with what guestlua said. own: the script is one of this collection's."""
    for warning in document.get("warnings", []):
        module.warn(warning["message"])
    answer = dict(
        changed=document.get("changed", False),
        returned=document.get("results", []),  # Ansible takes "results" for those of a loop
        workflows=document.get("workflows", []),
        calls=document.get("calls", []),
        recovered=document["recovered"],
        left=document.get("left", []),
        problems=document.get("problems", []),
        rc=code,
        stdout=out,
        stderr=err,
    )
    answer["plan"] = [call for call in answer["calls"] if call.get("outcome") == "held"]
    answer.update(more)
    if not document.get("ok"):
        error = document.get("error") or {}
        message = error.get("text") or error.get("message") or "guestlua ended with exit code %d" % code
        message = re.sub(r"^\S*/guestlua\.\w+\.lua:(\d+): ", "" if own else r"line \1: ", message)  # the file is gone
        if document.get("state") == "running":
            message = "guestlua was killed: what it left is taken back by recover: true"
        module.fail_json(msg=message, error=error, **answer)
    module.exit_json(**answer)


def run_source(module, source, arguments=(), data=None):
    """The same of a script that is a text."""
    handle, path = tempfile.mkstemp(prefix="guestlua.", suffix=".lua", dir=module.tmpdir)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(source)
        return run(module, path, arguments, data)
    finally:
        os.unlink(path)


WORKFLOW = r"""
local wanted = require("dkjson").decode(io.read("a"))
local host <close> = guestlua.open()
local guest <close> = wanted.guest and host:guest(wanted.guest, { required = true })
local before = wanted.diff and guest and guest:get_xml_desc()
table.insert(wanted.args, wanted.options)
local result = guestlua.workflow[wanted.workflow](guest or host, table.unpack(wanted.args))
if before then
  local ok, after = pcall(guest.get_xml_desc, guest) -- it may be on another host now
  return result, before, ok and after or ""
end
return result
"""


def workflow(module, name, guest, options, arguments=()):
    """Runs a workflow, and ends the module with what it gave; in diff mode with the guest's XML before and after."""
    wanted = dict(workflow=name, guest=guest, args=list(arguments), options=options, diff=module._diff)
    document, code, out, err = run_source(module, WORKFLOW, data=json.dumps(wanted))
    more, results = {}, document.get("results") or []
    if results:
        more["workflow"] = results[0]
    if len(results) == 3:
        more["diff"] = dict(before=results[1], after=results[2], before_header=guest, after_header=guest)
        document["results"] = results[:1]
    finish(module, document, code, out, err, own=True, **more)
