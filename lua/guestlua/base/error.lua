-- What every failure raises, for whoever reads about it: the class is written in C, its fields are set in both languages.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local FIELDS = {
  { name = "kind", type = "string", help = "a stable name: libvirt's error code in lower case (\"no_domain\", \"operation_timeout\", "
    .. "\"agent_unresponsive\"), or \"bad_argument\", \"closed\", \"timeout\", \"interrupted\", \"cancelled\", \"xml_error\" and so on; "
    .. "\"disconnected\" if the connection was lost, whatever code libvirt has for it" },
  { name = "message", type = "string", help = "libvirt's text, or that of guestlua" },
  { name = "code", type = "integer?", help = "libvirt's number" },
  { name = "domain", type = "string?", help = "the part of libvirt that it came from" },
  { name = "level", type = "string?", help = "how bad libvirt says it is" },
  { name = "op", type = "string?", help = "the method that failed" },
  { name = "call", type = "string?", help = "libvirt's function behind it" },
  { name = "host", type = "string?", help = "the URI of the host that it was about" },
  { name = "guest", type = "string?", help = "the guest's name" },
  { name = "device", type = "string?", help = "what the device is known by" },
  { name = "device_type", type = "string?", help = "what device it is, as in \"disk\"" },
  { name = "argument", type = "string?", help = "the argument that was bad" },
  { name = "where", type = "string?", help = "the script's file and line" },
  { name = "hint", type = "string?", help = "what to do next, if that is known" },
  { name = "workflow", type = "string?", help = "the workflow that failed" },
  { name = "step", type = "string?", help = "the step that it was in" },
  { name = "outcome", type = "string?", help = "how the workflow left things" },
  { name = "left", type = "table[]?", help = "files that a workflow left: path, why" },
  { name = "holder", type = "table?", help = "of the kind \"busy\": who has the guest" },
  { name = "found", type = "table?", help = "of the kind \"conflict\": what somebody else changed" },
  { name = "undoing", type = "Error[]?", help = "the errors that came while undoing" },
  { name = "results", type = "table[]?", help = "of guestlua.recover: what became of each run" },
  { name = "still_running", type = "boolean?", help = "true if the call, or the job, goes on although nobody waits for it" },
}

define.describe(core.Error, "Error", "What every failure raises: a table that prints as one line with all there is to know.", FIELDS)

define.rows[#define.rows + 1] = {
  owner = "Error",
  name = "new",
  help = "Makes an error to raise, with the fields that it is given.",
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
