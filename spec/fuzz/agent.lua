-- Answers of a guest's agent, which are the guest's own words: libvirt passes on any JSON object. The input chooses a method and the answers that it
-- gets, whole, damaged, or raw. The method answers or raises a guestlua.Error, and returns no more than it was asked for.

local native = ...
local asking = require("guestlua.guest.ask")
local core = require("guestlua.core")
local dkjson = require("dkjson")
local guestlua = require("guestlua")
local input = require("spec.fuzz.input")

local byte, pick, some_bytes, finding = input.byte, input.pick, input.some_bytes, input.finding

guestlua.log.configure({ handler = function() end })
guestlua.journal({ dir = "build/fuzz/journal" }) -- an input that ends the process leaves an entry of its freeze
core.sleep = function() end -- between two looks at a program

local guest = guestlua.open("test:///default"):guest("test")

-- ---- answers ----

local scalars = { 0, 1, -1, 7, 1.5, 1e300, 2 ^ 53, math.mininteger, true, false, "", "x", "YWJj", "YWJjZA==", "====", "Y", "\0", "\xff", "é",
  dkjson.null }
local fields = { "pid", "exited", "exitcode", "signal", "out-data", "err-data", "out-truncated", "count", "buf-b64", "eof", "handle", "return",
  "error" }
local texts = { '{"return":{}}', '{"return":1}', '{"return":"frozen"}', '{"return":[]}', "{}", "[]", "null", "", "x", '{"return":' }

local function value(depth)
  local kind = byte() % 4
  if kind == 0 and depth < 3 then
    local t = {}
    for _ = 1, byte() % 6 do
      t[pick(fields)] = value(depth + 1)
    end
    return t
  elseif kind == 1 then
    return asking.to_base64(some_bytes(64))
  end
  return kind == 2 and pick(scalars) or byte()
end

-- What the agent says if nothing is wrong with it, in the order of the methods' commands.
local good = {
  { pid = 1 }, { exited = true, exitcode = 0 },
  { exited = true, exitcode = 0, ["out-data"] = "YWJj", ["err-data"] = "ZGVm" }, 7, { count = 3, ["buf-b64"] = "YWJj", eof = true },
  { count = 3, eof = false, ["buf-b64"] = "YWJj" }, { exited = false }, { signal = 9, exited = true },
}

local function answer()
  local kind = byte() % 8
  if kind == 0 then
    return false -- the agent's error, or none
  elseif kind == 1 then
    return (some_bytes(64):gsub("\0", ""))
  elseif kind == 2 then
    return pick(texts)
  elseif kind == 3 then
    return dkjson.encode({ ["return"] = value(0) })
  end
  local result = pick(good)
  if kind == 4 and type(result) == "table" then
    local copy = {}
    for name, member in pairs(result) do
      copy[name] = member
    end
    copy[pick(fields)] = value(0)
    result = copy
  end
  return dkjson.encode({ ["return"] = result })
end

-- ---- what libvirt makes of its reports ----

local names = { "os.id", "os.name", "user.count", "user.0.name", "user.0.login-time", "user.1.name", "fs.count", "fs.0.mountpoint", "fs.0.disk.count",
  "fs.0.disk.0.device", "fs.0.total-bytes", "disk.0.dependency.0.name", "disk.0.name", "if.0.addr.0.addr", "if.0.name", "if.count", "fs.9999999.name",
  "os", "fs", "fs.0", "if.0.addr", "timezone.name", "hostname", "", ".", "count", "fs.-1.name", "fs.x.name", "load.1m" }

local function report()
  local list = {}
  for i = 1, byte() % 24 do
    local kind, text = byte() % 4, some_bytes()
    list[i] = { pick(names), kind == 0 and byte() or kind == 1 and byte() / 3 or kind == 2 or text }
  end
  return list
end

-- ---- the methods ----

local MOST = 5 -- bytes

-- Now and then more than one command takes.
local function a_text()
  local kind = byte()
  return kind < 4 and ("x"):rep(kind * 33000) or some_bytes()
end

local function limited(text)
  if type(text) ~= "string" or #text > MOST then
    finding("more than was asked for, or no text: %s", tostring(text))
  end
end

local methods = {
  function()
    return guest:exec("x", { args = { "y" }, input = some_bytes() })
  end,
  function()
    local code, out, err, how = guest:exec("x", { max_output = MOST, env = byte() % 2 == 0 and { A = "b" } or nil })
    limited(out)
    limited(err)
    return math.type(code) == "integer" or finding("the exit code is %s", tostring(code)), type(how) == "table" or finding("no table")
  end,
  function()
    return guest:exec("x", { input = a_text(), timeout = 60 })
  end,
  function()
    limited((guest:read_file("/x", { max_size = MOST })))
  end,
  function()
    local text = guest:read_file("/x")
    return type(text) == "string" or finding("no text")
  end,
  function()
    guest:write_file("/x", some_bytes(), { append = byte() % 2 == 0 })
  end,
  function()
    guest:write_file("/x", a_text())
  end,
  function()
    local text = guest:agent_command("{}")
    return type(text) == "string" or finding("no text")
  end,
  function()
    return guest:frozen({ timeout = 1 })
  end,
  function()
    for _, name in ipairs({ "os_info", "users", "filesystems", "disks", "interfaces" }) do
      native.report(report())
      local result = guest[name](guest)
      if type(result) ~= "table" then
        finding("%s is no table", name)
      end
    end
  end,
  function()
    local bytes = some_bytes(64)
    if asking.from_base64(asking.to_base64(bytes)) ~= bytes then
      finding("base64 gives other bytes back")
    end
  end,
}

return function(bytes)
  input.begin(bytes)
  local method, answers = pick(methods), {}
  for i = 1, byte() % 16 do
    answers[i] = answer()
  end
  native.answer(answers, some_bytes(64))
  local ok, e = pcall(method)
  if not ok and not core.Error.is(e) then
    finding("no guestlua.Error: %s", tostring(e))
  end
end
