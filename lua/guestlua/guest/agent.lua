-- Programs in the guest, through the QEMU guest agent. The agent speaks JSON, returns the output in base64, and has to be polled for a program's end;
-- guest:exec hides all three.

local asking = require("guestlua.guest.ask")
local core = require("guestlua.core")
local define = require("guestlua.base.define")

local ask, from_base64, to_base64 = asking.ask, asking.from_base64, asking.to_base64

local function bad(argument, what, op)
  op = op or "exec"
  error(core.Error.new({
    kind = "bad_argument",
    op = op,
    argument = argument,
    message = ("bad argument '%s' to '%s' (%s)"):format(argument, op, what),
  }), 0)
end

-- JSON is UTF-8: libvirt refuses other bytes, with a message that quotes the text around them.
local function check_text(argument, value, op)
  if type(value) ~= "string" then
    bad(argument, "string expected, got " .. core.type_name(value), op)
  elseif value:find("\0", 1, true) then
    bad(argument, "the string has a NUL byte in it", op)
  elseif not utf8.len(value) then
    bad(argument, "the string is not UTF-8", op)
  end
end

-- The secrets in args and input, and all of the input.
local function learn(secret, input)
  for _, value in ipairs(type(secret) == "string" and { secret } or secret or {}) do
    core.secret(value)
  end
  if input then
    core.secret(input)
    core.secret(input:match(".*%S", input:find("%S")) or "") -- without the space around it, in one pass
  end
end

-- A cancelled task leaves the program running: its error says so.
local says_it_goes_on = {
  __close = function(self, e)
    local kind = getmetatable(e) and e.kind
    if kind == "interrupted" or kind == "cancelled" then
      e.op, e.call, e.guest, e.still_running = "exec", nil, self.guest.name, true
      e.message = ("%s; '%s' goes on in the guest, as process %d"):format(kind, self.path, self.pid)
    end
  end,
}

local function fail(guest, kind, message, more)
  local fields = { kind = kind, op = "exec", guest = guest.name, message = message }
  for name, value in pairs(more or {}) do
    fields[name] = value
  end
  error(core.Error.new(fields), 0)
end

local A_LINE = "arguments are apart: guest:exec(\"/bin/ls\", { args = { \"-l\" } }); a shell runs a line: "
  .. "guest:exec(\"/bin/sh\", { args = { \"-c\", line } })"

local function fail_for_program(guest, path)
  fail(guest, "no_program", ("exec: there is no program '%s' in the guest"):format(path), { hint = path:find("%s") and A_LINE or nil })
end

-- Starts a program; nil: there is no program of that name.
local function start(guest, path, args, input)
  local ok, result = pcall(ask, guest, "guest-exec", {
    path = path, arg = args, ["input-data"] = input and to_base64(input), ["capture-output"] = true,
  })
  if not ok and core.Error.is(result) and (result.message or ""):find("execute child process", 1, true) then
    return nil
  elseif not ok then
    error(result, 0)
  end
  return result.pid
end

-- Its status when it has ended; nil: the time is over.
local function await(guest, pid, deadline)
  local pause = 0.01
  while true do
    local status = ask(guest, "guest-exec-status", { pid = pid })
    if status.exited then
      return status
    elseif deadline and core.now() >= deadline then
      return nil
    end
    core.sleep(pause)
    pause = math.min(pause * 2, 0.5)
  end
end

-- The agent keeps a program's whole output and returns it in one answer; over 10 MB libvirt drops the agent, for everybody. So the output goes to
-- files in the guest, exclusively created here, and is read in pieces.
local PIECE, MAX_OUTPUT = 1 << 20, 16 << 20

-- $1, $2: the files; $3: one with its input, or ""; $4: the directory; $5: how many NAME=value follow; then the program. The shell's output before
-- the program begins says why it cannot begin.
local BEGIN = [[
o=$1 e=$2 i=$3 c=$4 n=$5; shift 5
[ -z "$i" ] || { exec <"$i" && rm -f "$i"; }
(umask 077; set -C; : >"$o" && : >"$e") 2>/dev/null || { echo files; exit 1; }
while [ "$n" -gt 0 ]; do export "$1"; shift; n=$((n - 1)); done
[ -z "$c" ] || cd "$c" 2>/dev/null || { rm -f "$o" "$e"; echo cwd; exit 1; }
command -v "$1" >/dev/null 2>&1 || { rm -f "$o" "$e"; echo program; exit 1; }
s=
read -r _ _ _ _ g _ <"/proc/$$/stat" 2>/dev/null && [ "$g" != "$$" ] && command -v setsid >/dev/null 2>&1 && s=setsid
exec $s "$@" >>"$o" 2>>"$e"]]

-- $1, $2: the files; $3: the first byte to read; $4: how many. The files are removed when they have been read completely.
local PRINT = [[
l=$(($3 + $4)) m=
t() {
  [ -s "$1" ] || return 0
  [ "$(wc -c <"$1")" -lt "$l" ] || m=1
  if [ "$2" = 1 ]; then head -c "$3" "$1"; else tail -c "+$2" "$1" | head -c "$3"; fi
}
t "$1" "$3" "$4"; t "$2" "$3" "$4" >&2
[ -n "$m" ] || rm -f "$1" "$2"]]

local KILL = [[kill -KILL "-$1" 2>/dev/null; kill -KILL "$1" 2>/dev/null; rm -f "$2" "$3"]]

local function sh(guest, script, input, ...)
  local pid = start(guest, "/bin/sh", { "-c", script, "sh", ... }, input)
  local status = pid and await(guest, pid, core.now() + 60) or {}
  return from_base64(status["out-data"] or ""), from_base64(status["err-data"] or ""), status.exitcode
end

-- Writes the input to its own file, in pieces. Returns whether it could.
local INPUT_PIECE = 96 << 10
local function feed(guest, path, input)
  local _, _, code = sh(guest, "umask 077; set -C; : >\"$1\"", nil, path)
  for from = 1, code == 0 and #input or 0, INPUT_PIECE do
    _, _, code = sh(guest, "cat >>\"$1\"", input:sub(from, from + INPUT_PIECE - 1), path)
    if code ~= 0 then
      fail(guest, "operation_failed", "exec: the guest has no room for the input in its /tmp")
    end
  end
  return code == 0
end

-- The program's two outputs, up to the limit, and whether something is left out: one byte more than that is asked for.
local function output_of(guest, out, err, most)
  local said, complained, from, last = {}, {}, 1, most < math.maxinteger and most + 1 or most
  while from <= last do
    local size = math.min(PIECE, last - from + 1)
    local one, other = sh(guest, PRINT, nil, out, err, tostring(math.tointeger(from)), tostring(math.tointeger(size)))
    said[#said + 1], complained[#complained + 1] = one:sub(1, size), other:sub(1, size) -- whatever the guest gives
    if #one < size and #other < size then
      return table.concat(said), table.concat(complained), false
    end
    from = from + size
  end
  sh(guest, "rm -f \"$1\" \"$2\"", nil, out, err)
  return table.concat(said):sub(1, most), table.concat(complained):sub(1, most), true
end

local function random_name()
  local words = {}
  for i = 1, 8 do
    words[i] = ("%04x"):format(math.random(0, 0xffff))
  end
  return "/tmp/guestlua." .. table.concat(words)
end

-- NAME=value of each variable, checked.
local function variables(env)
  local list = {}
  for name, value in next, env or {} do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      bad("env", ("'%s' is no name of a variable"):format(tostring(name)))
    end
    check_text("env." .. name, value)
    list[#list + 1] = name .. "=" .. value
  end
  table.sort(list)
  return list
end

-- Removes the files if the program does not begin.
local function removes(guest, path)
  return setmetatable({}, { __close = function(_, e)
    if e then
      pcall(sh, guest, "rm -f \"$1\"", nil, path)
    end
  end })
end

-- Runs the program through the guest's shell. nil: there is no shell, or no room for files.
local function run_by_shell(guest, path, options)
  local name, env = random_name(), variables(options.env)
  local out, err, input = name .. ".out", name .. ".err", options.input
  local file = input and #input > INPUT_PIECE and name .. ".in"
  local remove <close> = file and removes(guest, file) or nil -- luacheck: ignore remove
  if file and not feed(guest, file, input) then
    return nil
  end
  local arguments = { "-c", BEGIN, "sh", out, err, file or "", options.cwd or "", tostring(#env) }
  table.move(env, 1, #env, #arguments + 1, arguments)
  arguments[#arguments + 1] = path
  table.move(options.args or {}, 1, #(options.args or {}), #arguments + 1, arguments)
  local deadline = options.timeout and core.now() + options.timeout
  local pid = start(guest, "/bin/sh", arguments, not file and input or nil)
  if not pid then
    return nil
  end
  local guard <close> = setmetatable({ guest = guest, path = path, pid = pid }, says_it_goes_on)
  local status = await(guest, pid, deadline)
  if not status then
    sh(guest, KILL, nil, tostring(pid), out, err)
    fail(guest, "timeout", ("exec: '%s' is not over after %g s; it was killed in the guest"):format(path, options.timeout))
  end
  local why = from_base64(status["out-data"] or ""):match("%a+")
  if why == "files" then
    return nil
  elseif why == "cwd" then
    fail(guest, "no_directory", ("exec: there is no directory '%s' in the guest"):format(options.cwd))
  elseif why == "program" then
    fail_for_program(guest, path)
  end
  local printed, complained, cut = output_of(guest, out, err, options.max_output or MAX_OUTPUT)
  return status.exitcode or 128 + (status.signal or 0), printed, complained, { signal = status.signal, truncated = cut }
end

-- Runs the program by the agent alone, for guests without a shell.
local function run_directly(guest, path, options)
  if options.cwd or options.env then
    fail(guest, "argument_unsupported", "exec: cwd and env need /bin/sh, and a /tmp that can be written, in the guest")
  end
  local deadline = options.timeout and core.now() + options.timeout
  local pid = start(guest, path, options.args, options.input)
  if not pid then
    fail_for_program(guest, path)
  end
  local guard <close> = setmetatable({ guest = guest, path = path, pid = pid }, says_it_goes_on)
  local status = await(guest, pid, deadline)
  if not status then
    fail(guest, "timeout", ("exec: '%s' is not over after %g s; it goes on in the guest, as process %d"):format(path, options.timeout, pid),
      { still_running = true })
  end
  local printed, complained, most = from_base64(status["out-data"] or ""), from_base64(status["err-data"] or ""), options.max_output or MAX_OUTPUT
  local cut = status["out-truncated"] or status["err-truncated"] or #printed > most or #complained > most
  return status.exitcode or 128 + (status.signal or 0), printed:sub(1, most), complained:sub(1, most), { signal = status.signal, truncated = cut }
end

define(core.Guest, "Guest", {
  name = "exec",
  method = true,
  help = "Runs a program in the guest through the guest agent, and waits for its end. Its output goes to files in the guest's /tmp and is read in "
    .. "pieces, because libvirt drops an agent with an answer over 10 MB; without /bin/sh it comes in one answer. Kinds of errors: no_program, "
    .. "no_directory, timeout.",
  result = { "integer code", "string output", "string errors", "table how" },
  returns = "its exit code (128 plus the signal's number if a signal ended it), its output, its error output, and a table: signal (nil: "
    .. "none), truncated (whether it printed more than max_output)",
  params = {
    { name = "path", type = "string", positional = true, required = true, help = "the program; with no path the guest's PATH is searched" },
    { name = "args", type = "list of strings", help = "a list of its arguments" },
    { name = "input", type = "string", binary = true, help = "its standard input" },
    { name = "cwd", type = "string", help = "its working directory; default: the agent's" },
    { name = "env", type = "table", help = "environment variables by name, in addition to the agent's" },
    { name = "max_output", type = "integer", help = "the maximum number of bytes of each output; default 16 MiB" },
    { name = "secret", type = "string or list of strings", help = "a string, or some, in args that must not be shown: they are masked in all that "
      .. "guestlua prints from now on; input always is" },
    { name = "timeout", type = "number", help = "seconds; after that the program and all that it started are killed, and an error of kind "
      .. "\"timeout\" is raised" },
  },
  run = function(guest, path, options)
    learn(options.secret, options.input)
    check_text("path", path)
    if options.cwd then
      check_text("cwd", options.cwd)
    end
    for i, argument in ipairs(options.args or {}) do
      check_text(("args[%d]"):format(i), argument)
    end
    local result = table.pack(run_by_shell(guest, path, options))
    if result[1] == nil then
      return run_directly(guest, path, options)
    end
    return table.unpack(result, 1, result.n)
  end,
})

-- Seconds for an answer of the agent, and seconds until it is asked again if no event reports that it is there.
local PING, PAUSE = 5, 2

-- libvirt's error kinds for an agent that does not answer yet.
local not_yet = { agent_unresponsive = true, agent_unsynced = true }

local agent = {}

define(agent, "guestlua", {
  name = "await_agent",
  help = "Waits until the guest's agent answers: then its system is up. If the guest has no agent configured, or is off, it raises at once.",
  result = "number",
  returns = "the seconds that it took",
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "timeout", type = "number", help = "seconds; after that an error of kind \"timeout\" is raised; default: no limit" },
  },
  run = function(guest, options)
    core.check_self(guest, "Guest", "await_agent")
    local began, limit = core.now(), options.timeout or math.huge
    local events <close> = guest:subscribe("agent_lifecycle")
    while true do
      local left = limit - (core.now() - began)
      local ok, e = pcall(guest.agent_command, guest, '{"execute":"guest-ping"}', { agent_timeout = math.ceil(math.max(math.min(PING, left), 1)) })
      if ok then
        return core.now() - began
      elseif not core.Error.is(e) or not not_yet[e.kind] then
        error(e, 0)
      end
      left = limit - (core.now() - began)
      if left <= 0 then
        error(core.Error.new({
          kind = "timeout",
          op = "await_agent",
          guest = guest.name,
          cause = e,
          message = ("await_agent: the guest's agent has not answered within %g s"):format(options.timeout),
          hint = "does qemu-guest-agent run in the guest?",
        }), 0)
      end
      events:next(math.min(PAUSE, left))
    end
  end,
})

agent.check_text = check_text

return agent
