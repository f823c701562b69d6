-- Whether a guest that does not run here any more was moved to another host, or saved. It keeps what a scope made of it, and the scope cannot take
-- that back.

local core = require("guestlua.core")
local try = require("guestlua.base.try")

local elsewhere = {}

-- Seconds that an event may be late, and for libvirt to say why the guest is off.
local LATE, ANSWER = 1, 5

local WHERE = {
  migrated = "the guest was moved to another host, and is %s there",
  saved = "the guest's memory was saved, and it is %s when it goes on from there",
}

local Ears = {}
Ears.__index = Ears

function Ears:__close()
  if self.events then
    try(self.events.close, self.events)
    self.events = nil
  end
end

-- Hears how the guest stops, from now on, until it is closed. A driver without events is heard nothing of.
function elsewhere.listen(guest)
  local ok, events = try(guest.subscribe, guest, "lifecycle")
  return setmetatable({ events = ok and events or nil }, Ears)
end

-- libvirt's word for how the guest, which does not run here, was stopped last; nil: nobody knows. It may know the guest no more.
local function ended(ears, guest)
  local ok, word, reason = try(guest.get_state, guest, { timeout = ANSWER })
  if ok and word == "shutoff" and WHERE[reason] then
    return reason
  end
  local detail, deadline = nil, core.now() + LATE
  while ears.events do
    local known, event = try(ears.events.next, ears.events, detail and 0 or math.max(deadline - core.now(), 0))
    if not known or not event then
      break
    end
    detail = event.type == "stopped" and event.detail or event.type ~= "started" and detail or nil
  end
  return detail
end

-- The error to raise if the guest, which does not run here any more, was moved or saved; nil: it was not. how: what the scope made of it; method:
-- what ends that.
function elsewhere.failure(ears, guest, how, method)
  local where = WHERE[ended(ears, guest) or ""]
  return where and core.Error.new({
    kind = "conflict",
    guest = guest.name,
    message = where:format(how),
    hint = ("guest:%s() ends that"):format(method),
  }) or nil
end

-- The same as a text for a recovery, of a guest that the host knows; nil: it is not so.
function elsewhere.text(guest, how, method)
  local word, reason = guest:get_state()
  local where = word == "shutoff" and WHERE[reason]
  return where and ("%s, until guest:%s()"):format(where:format(how), method) or nil
end

return elsewhere
