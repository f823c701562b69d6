-- Programs in the guest, through the QEMU guest agent. The agent speaks JSON, gives the output in base64, and has to be asked when a program is over;
-- guest:exec hides all three.

local core = require("guestlua.core")
local define = require("guestlua.define")
local json = require("guestlua.json")

local alphabet = {}
for value, character in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):gmatch("()(.)") do
  alphabet[character] = value - 1
end

local function from_base64(text)
  local bytes, bits, count = {}, 0, 0
  for character in text:gmatch("[%w+/]") do
    bits, count = bits << 6 | alphabet[character], count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(bits >> count & 0xff)
    end
  end
  return table.concat(bytes)
end

local function to_base64(data)
  local letters = {}
  for character, value in pairs(alphabet) do
    letters[value] = character
  end
  return (data:gsub("..?.?", function(group)
    local a, b, c = group:byte(1, 3)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    local function letter(shift)
      return letters[bits >> shift & 0x3f]
    end
    return letter(18) .. letter(12) .. (b and letter(6) or "=") .. (c and letter(0) or "=")
  end))
end

local function ask(guest, execute, arguments)
  local module = json("exec", "guest:exec")
  return module.decode(guest:agent_command(module.encode({ execute = execute, arguments = arguments })))["return"]
end

local function bad(argument, what)
  error(core.Error.new({
    kind = "bad_argument",
    op = "exec",
    argument = argument,
    message = ("bad argument '%s' to 'exec' (%s)"):format(argument, what),
  }), 0)
end

-- JSON is UTF-8: libvirt refuses other bytes, with a message that quotes what is around them.
local function check_text(argument, value)
  if type(value) ~= "string" then
    bad(argument, "string expected, got " .. type(value))
  elseif value:find("\0", 1, true) then
    bad(argument, "the string has a NUL byte in it")
  elseif not utf8.len(value) then
    bad(argument, "the string is not UTF-8")
  end
end

-- The secrets that args and input have in them, and all of the input.
local function learn(secret, input)
  if type(secret) == "string" then
    secret = { secret }
  elseif secret ~= nil and type(secret) ~= "table" then
    bad("secret", "string or list of strings expected, got " .. type(secret))
  end
  for i, value in ipairs(secret or {}) do
    if type(value) ~= "string" then
      bad(("secret[%d]"):format(i), "string expected, got " .. type(value))
    end
    core.secret(value)
  end
  if input then
    core.secret(input)
    core.secret(input:match("^%s*(.-)%s*$"))
  end
end

-- A task that is told to stop leaves the program behind: its error says so.
local told_when_cancelled = {
  __close = function(self, e)
    local kind = getmetatable(e) and e.kind
    if kind == "interrupted" or kind == "cancelled" then
      e.op, e.call, e.guest, e.still_running = "exec", nil, self.guest.name, true
      e.message = ("%s; '%s' goes on in the guest, as process %d"):format(kind, self.path, self.pid)
    end
  end,
}

define(core.Guest, "Guest", {
  name = "exec",
  method = true,
  help = "Runs a program in the guest through the guest agent, and waits for its end.",
  result = { "integer code", "string output", "string errors" },
  returns = "its exit code (128 and the signal's number where a signal ended it), what it printed, and what it printed as errors",
  params = {
    { name = "path", type = "string", positional = true, required = true, help = "the program; with no path the guest's PATH is searched" },
    { name = "args", type = "table", help = "a list of its arguments" },
    { name = "input", type = "string", binary = true, help = "what it reads from standard input" },
    { name = "secret", type = "any", help = "a string, or a list of strings, that args have in them and that must not be seen: they are masked in "
      .. "whatever guestlua prints from now on; input always is" },
    { name = "timeout", type = "number", help = "seconds; after that an error of kind \"timeout\" is raised, and the program goes on" },
  },
  run = function(guest, path, options)
    learn(options.secret, options.input)
    check_text("path", path)
    for i, argument in ipairs(options.args or {}) do
      check_text(("args[%d]"):format(i), argument)
    end
    local deadline = options.timeout and core.now() + options.timeout
    local pid = ask(guest, "guest-exec", {
      path = path,
      arg = options.args,
      ["input-data"] = options.input and to_base64(options.input),
      ["capture-output"] = true,
    }).pid
    local guard <close> = setmetatable({ guest = guest, path = path, pid = pid }, told_when_cancelled)
    local pause = 0.01
    while true do
      local status = ask(guest, "guest-exec-status", { pid = pid })
      if status.exited then
        local code = status.exitcode or 128 + (status.signal or 0)
        return code, from_base64(status["out-data"] or ""), from_base64(status["err-data"] or "")
      elseif deadline and core.now() >= deadline then
        error(core.Error.new({
          kind = "timeout",
          op = "exec",
          guest = guest.name,
          still_running = true,
          message = ("exec: '%s' is not over after %g s; it goes on in the guest, as process %d"):format(path, options.timeout, pid),
        }), 0)
      end
      core.sleep(pause)
      pause = math.min(pause * 2, 0.5)
    end
  end,
})

-- How long the agent may take to answer, and how long until it is asked again if no event says that it is there, in seconds.
local PING, PAUSE = 5, 2

-- libvirt's kinds for an agent that does not answer yet.
local not_yet = { agent_unresponsive = true, agent_unsynced = true }

local agent = {}

define(agent, "guestlua", {
  name = "await_agent",
  help = "Waits until the guest's agent answers: then its system is up. A guest that has no agent configured, or is off, is an error at once.",
  returns = "number: the seconds that it took",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
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

return agent
