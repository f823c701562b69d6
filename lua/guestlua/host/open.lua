-- guestlua.open: the connection, and what has to be known to get it.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local spelling = require("guestlua.base.spelling")

-- asks: at the terminal, as the command does; a program that embeds this decides for itself. defaults: has default_uri and so on.
local open = { asks = false, defaults = {} }

local MOST = 8 -- questions one after the other that an attempt may end with

local TYPES = { "authname", "passphrase", "realm", "echo_prompt", "no_echo_prompt" }
local USUAL = { user = true, username = true, login = true, name = true, prompt = true, echo = true }

-- A name as it is shown. One that nobody would write there may be the answer itself.
local function shown(name)
  local is_name = math.type(name) == "integer" or type(name) == "string"
    and (core.is_secret_name(name) or spelling.nearest(name, TYPES) or USUAL[name])
  return is_name and ("'%s'"):format(define.name_of(name)) or "a key that is none of them"
end

local function of_table(list)
  local known, answers = {}, {}
  for _, name in ipairs(TYPES) do
    known[name] = true
  end
  for name, answer in next, list do
    if not known[name] then
      define.bad("open", "auth", ("nothing asks for %s: there are %s"):format(shown(name), table.concat(TYPES, ", ")))
    elseif type(answer) ~= "string" or answer:find("\0", 1, true) then
      define.bad("open", "auth", ("the answer to %s has to be a string without NUL"):format(name))
    end
    answers[name] = answer
  end
  return function(ask)
    return answers[ask.type]
  end
end

local function nobody()
  return nil
end

local asking = false -- a question stands at the terminal: others wait for their turn
local asked = core.signal()

-- nil if nobody can be asked.
local function at_terminal(ask)
  while asking do
    asked:wait()
  end
  asking = true
  local turn <close> = setmetatable({}, { __close = function() -- luacheck: ignore turn
    asking = false
    asked:wake()
  end })
  local question = (ask.prompt or ask.type):gsub("[:%s]*$", "") .. (ask.default and (" [%s]"):format(ask.default) or "") .. ": "
  local ok, answer = pcall(core.ask, core.printable(question, "keep"), { secret = ask.secret })
  if not ok and not core.Error.is(answer, "no_terminal") then
    error(answer, 0)
  end
  return ok and (answer == "" and ask.default or answer) or nil
end

-- Whether all that is missing has an answer now.
local function answer_all(credentials, auth)
  for _, ask in ipairs(credentials:asked()) do
    local number = ask.number
    ask.number = nil
    local text = auth(ask)
    if text == nil then
      return false
    elseif type(text) ~= "string" or text:find("\0", 1, true) then
      define.bad("open", "auth", ("the answer to %s has to be a string without NUL"):format(ask.type))
    elseif ask.secret then
      core.secret(text)
    end
    credentials:answer(number, text)
  end
  return true
end

-- The error that says what was asked for.
local function refuse(e, credentials)
  local types = {}
  for i, ask in ipairs(credentials:asked()) do
    types[i] = ask.type
  end
  if core.Error.is(e) and #types > 0 then
    e.kind = "auth_failed"
    e.hint = ("it asks for: %s. Give open an `auth`, or put it into libvirt's auth.conf"):format(table.concat(types, ", "))
  end
  error(e, 0)
end

-- The drivers that libvirt has or had; how to get to a daemon; and the paths of QEMU's.
local DRIVERS = { "qemu", "test", "lxc", "xen", "ch", "vbox", "vz", "bhyve", "openvz", "esx", "gsx", "vpx", "hyperv", "vmwareplayer", "vmwarews",
  "vmwarefusion", "parallels", "virtuozzo", "interface", "network", "nodedev", "nwfilter", "secret", "storage", "uml", "phyp", "xenapi" }
local TRANSPORTS = { "unix", "ssh", "tls", "tcp", "ext", "libssh", "libssh2" }
local PATHS = { "/system", "/session", "/embed" }

-- The hint for a URI that names what libvirt cannot have: it takes an unknown driver for one that its daemon has.
local function misspelt(uri)
  local driver, transport, rest = (uri or ""):match("^([%w.-]+)%+?([%w.-]*):(/.*)$")
  if not driver then
    return nil
  end
  local path = rest:match("^//[^/?#]*(/[^?#]*)") or rest:match("^/[^/?#]+") or ""
  if rest:find("^//[^/?#]*[/?#].*@") then -- it may be a part of a password
    path = ""
  end
  local parts = { { "driver", driver, DRIVERS }, { "transport", transport, TRANSPORTS }, { "path", driver == "qemu" and path or "", PATHS } }
  for _, part in ipairs(parts) do
    local what, word, words = table.unpack(part)
    local near = spelling.nearest(word, words, true) -- one that is there is the nearest to itself
    if word ~= "" and near ~= word then
      return ("there is no %s '%s'%s"):format(what, word, near and ("; is '%s' meant?"):format(near)
        or what == "driver" and ": a URI is, for example, qemu:///system, qemu+ssh://root@host/system or test:///default"
        or "; there are: " .. table.concat(words, ", "))
    end
  end
end

-- Raises it, with a hint if the URI is misspelt.
local function fail(e, uri)
  local hint = core.Error.is(e) and e.kind ~= "bad_argument" and misspelt(uri)
  if hint then
    e.hint = core.mask(hint)
  end
  error(e, 0)
end

local function attempts(uri, options, auth)
  local credentials = core.credentials()
  options.credentials = credentials
  for _ = 1, MOST do
    local ok, result = pcall(core.open, uri, options)
    if ok then
      return result
    elseif not core.Error.is(result) or #credentials:asked() == 0 then
      fail(result, uri)
    end
    if not answer_all(credentials, auth) then
      refuse(result, credentials)
    end
  end
  error(core.Error.new({ kind = "auth_failed", op = "open", host = core.mask(uri),
    message = ("it asked for more after it had been answered %d times"):format(MOST) }), 0)
end

define(open, "guestlua", {
  name = "open",
  help = "Connects to libvirt. Over ssh nothing is ever asked: keys have to be there, and the host's key known. What else a host asks for "
    .. "comes from libvirt's auth.conf, from `auth`, or, in the command, from the terminal if there is one; without any of them it is an error.",
  result = "Host",
  params = {
    { name = "uri", type = "string", positional = true, help = "libvirt's connection URI; nil: guestlua.default_uri (the command's -c), "
      .. "then $LIBVIRT_DEFAULT_URI, then libvirt's own default" },
    { name = "readonly", type = "boolean", help = "open it read-only: calls that change something are refused by libvirt" },
    { name = "no_aliases", type = "boolean", help = "take the URI as it is: it is no alias of libvirt.conf's; libvirt has that "
      .. "for connections to a daemon" },
    { name = "keepalive", type = "integer", help = "seconds between keepalive probes, default: 5, 0: none; "
      .. "after 6 without an answer the connection is given up" },
    { name = "reconnect", type = "boolean", help = "open it again if it is lost, as often as it takes; each subscription then gets an event "
      .. "\"reconnected\", as what happened meanwhile was not heard. Calls made while it is lost fail" },
    { name = "auth", type = "function or table", help = "what the host asks for: a table as {authname=, passphrase=}, or a function that gets "
      .. "each question {type, prompt, challenge, default, secret} and returns the answer, or nil to give up. Types: " .. table.concat(TYPES, ", ")
      .. ". The answers are kept for when the connection is opened again" },
    { name = "timeout", type = "number", help = "seconds that an attempt may take, over any transport; in a task the default is 30" },
  },
  run = function(uri, options)
    local defaults = open.defaults
    local auth = options.auth or open.asks and at_terminal or nobody
    local readonly = options.readonly
    if readonly == nil then
      readonly = defaults.default_readonly or false
    end
    local host = attempts(uri or defaults.default_uri, {
      readonly = readonly,
      no_aliases = options.no_aliases,
      keepalive = options.keepalive or defaults.default_keepalive or 5,
      timeout = options.timeout,
    }, type(auth) == "table" and of_table(auth) or auth)
    if options.reconnect then
      require("guestlua.host.reconnect")(host)
    end
    return host
  end,
})

return open
