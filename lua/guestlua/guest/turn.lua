-- An abandoned call goes on in libvirt, and may still have its effect. libvirt makes changes of a guest one after the other: once it has accepted
-- another one, that call is over.

local core = require("guestlua.core")

local turn = {}

-- The errors of a metadata change if the driver has no metadata, or the guest is off or gone: they too mean that its turn has come.
turn.NO_METADATA = { no_support = true, argument_unsupported = true, operation_unsupported = true, operation_invalid = true, no_domain = true }

-- Waits until the guest's changes under way are over, by a change without effect.
function turn.await(guest)
  local ok, e = pcall(guest.set_metadata, guest, nil, { key = "guestlua", uri = "urn:guestlua:turn", live = true })
  if not ok and not (core.Error.is(e) and turn.NO_METADATA[e.kind]) then
    error(e, 0)
  end
end

-- The same, for so many seconds at most, if the failed call can still change something.
function turn.await_abandoned(guest, failure, seconds)
  if core.Error.is(failure) and failure.may_change then
    core.within(core.now() + seconds, 0, turn.await, guest)
  end
end

return turn
