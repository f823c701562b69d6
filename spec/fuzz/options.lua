-- Arguments. The input chooses functions and methods, in C and in Lua, and what each is called with: what its row names, or anything else,
-- with options in tables of every shape. Calls that change something are held back by a dry run, so each answers at once, or raises a guestlua.Error,
-- or what a metamethod or function of the arguments raised.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local input = require("spec.fuzz.input")
local objects = require("spec.support.objects")

local byte, pick, some_bytes, finding = input.byte, input.pick, input.some_bytes, input.finding

local MAX_CALLS = 32
local RAISED = setmetatable({}, { __tostring = function() return "raised by an argument" end })

guestlua.log.configure({ handler = function() end })

local host = guestlua.open("test:///default")
local made = objects.make(host)
made.Element = guestlua.element("<a><b/></a>")
made.Subscription = made.Guest:subscribe("lifecycle")
made.Signal = guestlua.signal()
core.dry_run(true)

local function closed()
  local element <close> = guestlua.element("a", {})
  return element
end

-- ---- what is called ----

-- What waits, ends what the others need, or reaches files, programs and other hosts without being a change.
local SKIPPED = {}
for name in ([[sleep open spawn embedded embedded_uri run close next wait reconnect screenshot download upload save_image_get_xml_desc
  wait_event events job_events on await_job wait_for_job await_agent frozen paused attached detach_device_with_retry serve recover journal fleet
  dry_run plan progress map]]):gmatch("%S+") do
  SKIPPED[name] = true
end

local calls = {}
for _, row in ipairs(core.documentation().functions) do
  if not SKIPPED[row.name] then
    calls[#calls + 1] = { name = row.name, fn = core[row.name], params = row.params }
  end
end
for _, class in ipairs(core.documentation().classes) do
  for _, row in ipairs(class.methods) do
    if made[class.name] and not SKIPPED[row.name] then
      calls[#calls + 1] = { name = row.name, fn = core[class.name][row.name], self = made[class.name], params = row.params }
    end
  end
end

-- Those in Lua, but for workflows and the log.
define.load_all()
for _, row in ipairs(define.rows) do
  if row.run and not SKIPPED[row.name] and (made[row.owner] or row.owner == "guestlua") then
    local class = row.owner == "guestlua" and guestlua or core[row.owner]
    calls[#calls + 1] = { name = row.name, fn = class[row.name], self = row.method and made[row.owner], params = row.params }
  end
end

-- ---- values ----

local function raises()
  error(RAISED, 0)
end

local hostile = { __index = raises, __newindex = raises, __len = raises, __pairs = raises, __tostring = raises, __eq = raises, __lt = raises,
  __call = raises, __concat = raises, __close = raises, __name = "\0" }
local huge = { __len = function() return math.maxinteger end, __index = function() return "x" end }

local numbers = { 0, 1, -1, 2, 31, 63, 64, 255, 256, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) - 1, 1 << 53, math.maxinteger, math.mininteger, 0.5,
  1e300, -1e300, 1 / 0, -1 / 0, 0 / 0, 2.0 ^ 63, -0.0 }
local strings = { "", "x", "vda", "test", "a\0b", "\0", "\xff", "é", "<a/>", "<disk/>", "<a", "1", "-1", "0x10", "1e5", "nan", "live", "timeout",
  "/nonesuch", ("x"):rep(300), ("<a>"):rep(300), "%s%n", "00000000-0000-0000-0000-000000000000", "<domain/>", "<!DOCTYPE a []><a/>" }

local value

-- A table with names of options, of a list, or of anything.
local function a_table(depth, params)
  local t = {}
  for i = 1, byte() % 8 do
    local kind, key = byte() % 8
    if kind < 5 and params and #params > 0 then
      key = pick(params).name
    elseif kind < 6 then
      key = i
    else
      key = value(depth + 1)
    end
    if key ~= nil and key == key then
      t[key] = value(depth + 1)
    end
  end
  local shape = byte()
  if shape == 1 then
    t[1] = t
  elseif shape == 2 then
    t[t] = t
  elseif shape == 3 then
    t.timeout = pick(numbers)
  elseif shape < 16 then
    setmetatable(t, shape % 2 == 0 and hostile or huge)
  end
  return t
end

local others = { true, false, print, io.stdout, coroutine.create(print), raises, closed(), setmetatable({}, hostile), setmetatable({}, huge) }
for _, name in ipairs({ "Host", "Guest", "Domain", "BlockDevice", "Snapshot", "Network", "StoragePool", "StorageVol", "Element", "Signal" }) do
  others[#others + 1] = made[name]
end

function value(depth)
  local kind = byte() % 8
  if kind == 0 then
    return nil
  elseif kind <= 2 then
    return pick(numbers)
  elseif kind == 3 then
    return pick(strings)
  elseif kind == 4 then
    return some_bytes(64)
  elseif kind == 5 and depth < 4 then
    return a_table(depth)
  end
  return kind == 6 and pick(others) or byte()
end

-- By the name of a type: one that fits.
local fitting = {
  ["string"] = function() return byte() % 2 == 0 and pick(strings) or some_bytes() end,
  ["Element or XML text"] = function() return byte() % 2 == 0 and guestlua.element("disk", { type = "file" }) or pick(strings) end,
  ["integer"] = function() return math.tointeger(pick(numbers)) or byte() end,
  ["number"] = function() return pick(numbers) end,
  ["boolean"] = function() return byte() % 2 == 0 end,
  ["bytes"] = function() return some_bytes(255) end,
  ["list of integers"] = function() return { byte(), byte(), pick(numbers) } end,
  ["list of strings"] = function() return { pick(strings), some_bytes() } end,
  ["integer or list of names"] = function(param) return byte() % 2 == 0 and byte() or { pick(param.choices or strings) } end,
  ["table"] = function() return a_table(0) end,
  ["StorageVol"] = function() return made.StorageVol end,
  ["function"] = function() return raises end,
}

local function fit(param)
  local make = fitting[param.type]
  if param.choices and byte() % 2 == 0 then
    return pick(param.choices)
  end
  return make and byte() % 8 > 0 and make(param) or value(0)
end

local function arguments(call)
  local list, named = { n = 0, nil }, {}
  local function add(argument)
    list.n = list.n + 1
    list[list.n] = argument
  end
  if call.self then
    add(byte() == 7 and value(0) or call.self)
  end
  for _, param in ipairs(call.params) do
    if not param.positional then
      named[#named + 1] = param
    elseif param.required or byte() % 4 > 0 then
      add(fit(param))
    end
  end
  local kind = byte() % 4
  if kind == 1 then
    add(a_table(0, call.params))
  elseif kind == 2 and #named > 0 then
    local options = {}
    for _ = 1, byte() % 6 do
      local param = pick(named)
      options[param.name] = fit(param)
    end
    add(options)
  elseif kind == 3 then
    add(value(0))
  end
  return list
end

return function(bytes)
  input.begin(bytes)
  for _ = 1, MAX_CALLS do
    if input.is_over() then
      break
    end
    local call = calls[(byte() << 8 | byte()) % #calls + 1]
    local list = arguments(call)
    local ok, e = pcall(call.fn, table.unpack(list, 1, list.n))
    if not ok and e ~= RAISED and not core.Error.is(e) then
      finding("%s: no guestlua.Error: %s", call.name, tostring(e))
    elseif not ok and e ~= RAISED and (type(e.kind) ~= "string" or #tostring(e) == 0) then
      finding("%s: an error without a kind or text", call.name)
    end
  end
  if not made.Guest:is_active() then
    finding("the guest was changed")
  end
end
