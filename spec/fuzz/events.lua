-- Events: each step calls one of libvirt's callbacks, with numbers and texts as the input has them, or makes or ends a subscription. What arrives is
-- what was sent, in order, to each subscription that it concerns.

local native = ...
local guestlua = require("guestlua")
local core = require("guestlua.core")
local input = require("spec.fuzz.input")

local byte, pick, finding = input.byte, input.pick, input.finding

local MAX_STEPS, MOST = 64, 1024 -- of events that are kept

local host = guestlua.open("test:///default")
native.begin(host)
local guest, network, pool = host:guest("test"), host:network("default"), host:pool("default-pool")

local names = {}
for _, class in ipairs(core.documentation().classes) do
  if class.name == "Host" then
    for _, method in ipairs(class.methods) do
      for _, param in ipairs(method.name == "subscribe" and method.params or {}) do
        names = param.choices or names
      end
    end
  end
end
local all = host:subscribe(names) -- of everything, for as long as the harness runs

-- ---- values ----

local numbers = { 0, 1, 2, 3, 7, 8, 9, 10, 255, -1, -2, 1 << 31, (1 << 31) - 1, 1 << 32, math.mininteger, math.maxinteger }

local function number()
  return byte() % 2 == 0 and byte() or pick(numbers)
end

-- A text as C has it, or false for NULL.
local function text()
  local kind = byte() % 4
  if kind == 0 then
    return false
  end
  return kind == 1 and pick({ "", "vda", "RESET", "reset", "/x", "\xff", "\n\27[0m", ("x"):rep(300) }) or (input.some_bytes(32):gsub("\0", ""))
end

local function params()
  local list = {}
  for i = 1, byte() % 4 do
    list[i] = { pick({ "a", "b", "", "a.0.b", ("x"):rep(100), "é\xff" }), byte() % 10, number(), text() or nil }
  end
  return list
end

-- ---- what arrives ----

local function check_event(event, sent)
  if type(event.event) ~= "string" or event.guest and event.guest ~= "test" then
    finding("an event of another kind or guest: %s, %s", tostring(event.event), tostring(event.guest))
  end
  for key, value in pairs(event) do
    if type(key) ~= "string" then
      finding("%s: a field that is no name", event.event)
    elseif type(value) == "string" and key ~= "event" and key ~= "object_type" and sent then
      local known = key == "guest" or key == "object" or key == "uuid"
      for _, one in ipairs(sent) do
        known = known or one == value
      end
      -- Words for numbers are among the choices, none of which has another letter than these.
      if not known and not value:find("^[%l%d_]+$") then
        finding("%s.%s is no text that was sent: %q", event.event, key, value)
      end
    end
  end
  core.printable(tostring(event), "keep")
end

local subscriptions

local function drain(subscription)
  while true do
    local ok, event = pcall(subscription.next, subscription, 0)
    if not ok and not core.Error.is(event) then
      finding("no guestlua.Error: %s", tostring(event))
    elseif not ok or not event then
      return
    end
    check_event(event)
  end
end

local function close(subscription)
  local closing <close> = subscription
end

local steps = {
  function(sent)
    for i = 1, 5 do
      sent[i] = text()
    end
    local there = native.fire(byte(), number(), number(), number(), sent, params())
    local event = all:next(0)
    if (event ~= nil) ~= there then
      finding(there and "an event did not arrive" or "an event that nobody sent")
    elseif event then
      check_event(event, sent)
    end
  end,
  function()
    local object = pick({ host, guest, network, pool })
    local filter = byte() % 2 == 0 and { qemu_event = pick({ "RESET", "x", "" }) } or nil
    local ok, subscription = pcall(object.subscribe, object, { pick(names), pick(names) }, filter)
    if ok and #subscriptions < 8 then
      subscriptions[#subscriptions + 1] = subscription
    elseif not ok and not core.Error.is(subscription) then
      finding("no guestlua.Error: %s", tostring(subscription))
    end
  end,
  function()
    if #subscriptions > 0 then
      close(table.remove(subscriptions, byte() % #subscriptions + 1))
    end
  end,
  function()
    if #subscriptions > 0 then
      drain(pick(subscriptions))
    end
  end,
  function(sent)
    if byte() ~= 77 then -- seldom: it takes long
      return
    end
    local many, lost, which = MOST + byte(), 0, byte()
    local arrived = 0
    for _ = 1, many do
      native.fire(which, 0, 0, 0, sent, {})
    end
    for event in function() return all:next(0) end do
      lost = lost + (event.event == "lost" and event.count or 0)
      arrived = arrived + (event.event == "lost" and 0 or 1)
    end
    if arrived > 0 and arrived + lost ~= many or arrived > MOST then
      finding("of %d events %d arrived, and %d are said to be lost", many, arrived, lost)
    end
  end,
}

return function(bytes)
  input.begin(bytes)
  subscriptions = {}
  for _ = 1, MAX_STEPS do
    if input.is_over() then
      break
    end
    local kind = byte()
    steps[kind < 160 and 1 or kind % #steps + 1]({})
  end
  for _, subscription in ipairs(subscriptions) do
    drain(subscription)
    close(subscription)
  end
  subscriptions = nil
  drain(all)
end
