-- The documentation of the error that every failure raises: the class is written in C, its fields are set in both languages.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local FIELDS = {
  { name = "kind", type = "string", help = "a stable name: libvirt's error code in lower case (\"no_domain\", \"operation_timeout\", "
    .. "\"agent_unresponsive\"), or \"bad_argument\", \"closed\", \"timeout\", \"interrupted\", \"cancelled\", \"xml_error\" and so on; "
    .. "\"disconnected\" if the connection was lost, whatever code libvirt has for it" },
  { name = "message", type = "string", help = "libvirt's text, or guestlua's" },
  { name = "code", type = "integer?", help = "libvirt's number" },
  { name = "domain", type = "string?", help = "the part of libvirt that it came from" },
  { name = "level", type = "string?", help = "libvirt's severity" },
  { name = "op", type = "string?", help = "the method that failed" },
  { name = "call", type = "string?", help = "libvirt's function behind it" },
  { name = "host", type = "string?", help = "the URI of the host" },
  { name = "guest", type = "string?", help = "the guest's name" },
  { name = "device", type = "string?", help = "the device's name, for example its alias or target" },
  { name = "device_type", type = "string?", help = "the kind of device, for example \"disk\"" },
  { name = "object", type = "string?", help = "the name of another libvirt object" },
  { name = "object_type", type = "string?", help = "the kind of that object, for example \"network\"" },
  { name = "argument", type = "string?", help = "the argument that was bad" },
  { name = "where", type = "string?", help = "the script's file and line" },
  { name = "hint", type = "string?", help = "what to do next, if that is known" },
  { name = "workflow", type = "string?", help = "the workflow that failed" },
  { name = "step", type = "string?", help = "the workflow's step" },
  { name = "outcome", type = "string?", help = "how the workflow left things" },
  { name = "left", type = "table[]?", help = "files that a workflow left: path, why" },
  { name = "holder", type = "table?", help = "for the kind \"busy\": the run that has the guest" },
  { name = "found", type = "table?", help = "for the kind \"conflict\": somebody else's changes" },
  { name = "undoing", type = "Error[]?", help = "errors while undoing" },
  { name = "results", type = "table[]?", help = "of guestlua.recover: the result for each run" },
  { name = "signal", type = "integer?", help = "for the kind \"script_ended\": the signal that ended the script's process" },
  { name = "still_running", type = "boolean?", help = "true if the call, or the job, is still running although nobody waits for it" },
  { name = "may_change", type = "boolean?", help = "true if that call can still change something" },
}

define.describe(core.Error, "Error", "The error that every failure raises: a table that prints as one line with all details.", FIELDS)

define.rows[#define.rows + 1] = {
  owner = "Error",
  name = "new",
  help = "Makes an error to raise, with the given fields.",
  result = { "Error" },
  params = { { name = "fields", type = "table", positional = true, required = true, help = "its fields; kind has to be one" } },
}

define.rows[#define.rows + 1] = {
  owner = "Error",
  name = "is",
  help = "Whether the value is such an error.",
  result = { "boolean" },
  params = {
    { name = "value", type = "any", positional = true, required = true, help = "whatever pcall gave" },
    { name = "kind", type = "string", positional = true, help = "and of this kind" },
  },
}
