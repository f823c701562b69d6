-- A call that nobody waits for any more goes on in libvirt, and may still do what it is for. libvirt takes the changes of a guest one after the
-- other: once it has taken another one, that call is over.

local core = require("guestlua.core")

local turn = {}

-- What is said of a change of a guest's metadata by a driver that has no such change, or if the guest is off or gone by then: also when its turn has
-- come.
turn.NO_METADATA = { no_support = true, argument_unsupported = true, operation_unsupported = true, operation_invalid = true, no_domain = true }

-- Waits until the changes of the guest are over that are under way, by one that changes nothing.
function turn.await(guest)
  local ok, e = pcall(guest.set_metadata, guest, nil, { key = "guestlua", uri = "urn:guestlua:turn", live = true })
  if not ok and not (core.Error.is(e) and turn.NO_METADATA[e.kind]) then
    error(e, 0)
  end
end

-- The same if the failure is of a call that still runs. seconds: how long that may take; nil: as long as the call's caller has said.
function turn.await_abandoned(guest, failure, seconds)
  if not core.Error.is(failure) or not failure.still_running then
    return
  elseif seconds then
    core.within(core.now() + seconds, 0, turn.await, guest)
  else
    turn.await(guest)
  end
end

return turn
