-- guestlua.run: programs of this host, while the other tasks run on; and a warning for scripts that block those.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local run = {}

local function check_text(argument, value)
  if type(value) ~= "string" or value:find("\0", 1, true) then
    define.bad("run", argument, type(value) == "string" and "the string has a NUL byte in it" or "string expected, got " .. core.type_name(value))
  end
end

local function check_environment(variables)
  for name, value in next, variables do
    check_text("env", name)
    if name == "" or name:find("=", 1, true) then
      define.bad("run", "env", ("'%s' is no name of a variable"):format(name))
    elseif value ~= false then
      check_text("env." .. name, value)
    end
  end
end

local A_LINE = "arguments are apart: guestlua.run(\"ls\", { args = { \"-l\" } }); a shell runs a line: "
  .. "guestlua.run(\"sh\", { args = { \"-c\", line } })"

define(run, "guestlua", {
  name = "run",
  help = "Runs a program of this host, as os.execute and io.popen do, while the other tasks run on. There is no shell in between. It waits "
    .. "until the program has ended and its outputs are closed: a process that the program leaves in the background is waited for as well, unless "
    .. "its outputs go elsewhere (`>FILE 2>&1` in a shell). If its task is cancelled or its time is over, the program and all that it started get "
    .. "SIGTERM, and SIGKILL two seconds later. A dry run starts none.",
  result = { "integer code", "string output", "string errors" },
  returns = "its exit code (128 plus the signal's number if a signal ended it), its output, and its error output",
  params = {
    { name = "program", type = "string", positional = true, required = true, help = "the program; without a slash in it PATH is searched" },
    { name = "args", type = "list of strings", help = "a list of its arguments, all strings" },
    { name = "input", type = "string", binary = true, help = "its standard input; default: nothing" },
    { name = "timeout", type = "number", help = "seconds; after that the program is ended, and an error of kind \"timeout\" is raised, "
      .. "with its output so far in `output` and `errors`" },
    { name = "cwd", type = "string", help = "its working directory" },
    { name = "env", type = "table", help = "additional environment variables, for example {LANG = \"C\"}; false removes one" },
  },
  run = function(program, options)
    if program == "" then
      define.bad("run", "program", "it is empty")
    end
    local arguments = table.move(options.args or {}, 1, #(options.args or {}), 2, { program })
    check_environment(options.env or {})
    local function fail(kind, message, fields)
      fields.kind, fields.op, fields.message = kind, "run", ("run: '%s' %s"):format(program, message)
      error(core.Error.new(fields), 0)
    end
    if core.dry_run() then
      fail("dry_run", "is not started in a dry run", {})
    end
    local code, output, errors, timed_out = core.run(arguments, options.env, options.input, options.cwd, options.timeout)
    if not code then
      local where = options.cwd and (" in '%s'"):format(options.cwd) or ""
      fail("system_error", ("cannot be started%s: %s"):format(where, output), { hint = program:find("%s") and A_LINE or nil })
    elseif timed_out then
      fail("timeout", ("was not over after %g s, and was ended"):format(options.timeout), { output = output, errors = errors })
    elseif code < 0 then
      fail("system_error", "has ended, and nobody knows with which exit code", { output = output, errors = errors,
        hint = "the program that embeds guestlua ignores SIGCHLD or collects all children: it has to leave those that it did not start" })
    end
    return code, output, errors
  end,
})

-- ---- calls that block the other tasks ----

local warned = false

-- Warns once, if there are other tasks.
local function warn(name)
  if not warned and core.alive().tasks > 1 then
    warned = true
    require("guestlua.log.log").log.warning(name .. " holds up all tasks until its program is over; guestlua.run does not")
  end
end

local execute, popen = os.execute, io.popen

os.execute = function(...) -- luacheck: ignore
  warn("os.execute")
  return execute(...)
end

io.popen = function(...) -- luacheck: ignore
  warn("io.popen")
  return popen(...)
end

return run
