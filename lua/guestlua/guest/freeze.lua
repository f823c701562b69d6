-- Freezes a guest's file systems within a time limit, and thaws them whatever it takes.

local core = require("guestlua.core")
local undo = require("guestlua.base.undo")
local stops = require("guestlua.base.stops")
local try = require("guestlua.base.try")

local freeze = {}

-- Seconds: how long a thaw is retried, because a guest that stays frozen is worse than a script that waits; the limit of one try; and the limit for
-- the agent's first answer.
local THAW_FOR, TRY, PING = 40, 8, 5

-- libvirt's limit of an agent is a C int.
local LONGEST = (1 << 31) - 1

local AGENT = "org.qemu.guest_agent.0"
local RUN_BY_QEMU = { qemu = true, kvm = true } -- types of a <domain>

local ALARM = "THE GUEST MAY BE FROZEN: when it answers again, guest:thaw_filesystems()"

-- The same from the guest's XML alone: a dry run sends the agent nothing that it could take for a command.
local function check_connected(guest)
  local domain, found = core.element(guest:get_xml_desc()), nil
  for _, channel in ipairs(domain.devices:children("channel")) do
    found = channel.target and channel.target.name == AGENT and channel or found
  end
  if not RUN_BY_QEMU[domain:attribute("type")] or found and found.target.state ~= "disconnected" then
    return
  end
  error(core.Error.new({
    kind = found and "agent_unresponsive" or "argument_unsupported",
    guest = guest.name,
    message = found and "the guest's agent is not connected" or "the guest has no agent: no <channel> of its configuration is called " .. AGENT,
  }), 0)
end

-- Raises if the agent does not answer, or has frozen the file systems for somebody else: then they cannot be frozen, and nothing has been done yet.
-- seconds: a limit shorter than usual.
function freeze.check_agent(guest, seconds)
  if core.dry_run() then
    return check_connected(guest)
  end
  local limit = math.max(1, math.floor(math.min(PING, seconds or PING)))
  local ok, answer = pcall(guest.agent_command, guest, '{"execute":"guest-fsfreeze-status"}', { agent_timeout = limit })
  if not ok and not core.Error.is(answer, "no_support") then -- a driver that cannot ask may still be able to freeze
    error(answer, 0)
  elseif ok and answer:find('"return"%s*:%s*"frozen"') then
    error(core.Error.new({
      kind = "conflict",
      guest = guest.name,
      message = "the guest's file systems are frozen already, by somebody else, and that is not to be ended here",
      hint = "if whoever did that is gone: guestlua.recover(host), or guest:thaw_filesystems()",
    }), 0)
  end
end

-- The same for a workflow with the option quiesce=true, which can do without.
function freeze.check_quiesce(guest)
  local ok, e = pcall(freeze.check_agent, guest)
  if not ok and core.Error.is(e) and not stops(e) then
    e.hint = (e.hint and e.hint .. "; " or "") .. "without quiesce=true nothing is frozen, and the disks are as after a loss of power"
  end
  if not ok then
    error(e, 0)
  end
end

-- Whether the guest of a failed call is not running any more: then there is nothing to take back.
function freeze.is_gone(guest, e)
  if core.Error.is(e, "no_domain") then
    return true
  end
  local known, active = pcall(guest.is_active, guest, { timeout = 5 })
  return known and not active or not known and core.Error.is(active, "no_domain")
end

-- One try, for a call that is retried anyway. Without an agent there was no freeze.
function freeze.thaw_once(guest)
  local ok, e = pcall(guest.thaw_filesystems, guest, { timeout = TRY })
  if ok or core.Error.is(e, "argument_unsupported") or freeze.is_gone(guest, e) then
    return
  elseif core.Error.is(e) then
    e.hint = ALARM
  end
  error(e, 0)
end

-- The agent's "not frozen" is success: thawing is harmless. Returns whether the guest runs here, and so is thawed.
function freeze.thaw(guest)
  local deadline = core.now() + THAW_FOR
  while true do
    local ok, e = pcall(guest.thaw_filesystems, guest, { timeout = TRY })
    if ok or freeze.is_gone(guest, e) then
      return ok
    elseif stops(e) or core.now() >= deadline or e.kind == "closed" or e.kind == "argument_unsupported" or e.kind == "no_support" then
      e.hint = ALARM
      error(e, 0)
    end
    local known, alive = try(guest.host.is_alive, guest.host)
    if not (known and alive) then
      try(guest.host.reconnect, guest.host)
    end
    core.sleep(0.5)
  end
end

-- libvirt's time limit for the agent is one setting per guest: one task at a time may change it, until it is set back. By UUID.
local limited = {}

local function with_agent_limit(guest, seconds, fn)
  local uuid = guest.uuid
  while limited[uuid] do
    limited[uuid]:wait()
  end
  limited[uuid] = core.signal()
  local guard <close> = undo.guard(function()
    pcall(guest.agent_set_response_timeout, guest, nil, { timeout = TRY })
    limited[uuid]:wake()
    limited[uuid] = nil
  end)
  local ok, e = pcall(guest.agent_set_response_timeout, guest, math.max(math.ceil(math.min(seconds, LONGEST)), 1))
  if not ok and e.kind ~= "no_support" then
    error(e, 0)
  end
  return fn()
end

-- Freezes; the agent's silence is reported as a timeout. The engine's own limit is the safety net under libvirt's. fn: called as soon as they are
-- frozen, before libvirt's limit is set back.
function freeze.freeze(guest, seconds, fn)
  if not seconds then
    guest:freeze_filesystems()
    return fn and fn()
  end
  local began, frozen = math.huge, false
  local ok, e = pcall(with_agent_limit, guest, seconds, function()
    began = core.now()
    guest:freeze_filesystems({ timeout = seconds + 5.0 }) -- a float: no number of seconds is too large
    frozen = true
    return fn and fn()
  end)
  if not ok and not frozen and core.now() - began >= seconds and core.Error.is(e) and not stops(e) then
    e.message = ("the file systems were not frozen within %g s: %s"):format(seconds, e.message)
    e.kind = "timeout"
  end
  if not ok then
    error(e, 0)
  end
end

return freeze
