-- Thaws a guest even if this process dies, by SIGKILL or a crash: a shell waits for that, and then recovers the guest. The freeze is in the
-- journal, so this is the same recovery as any other.

local core = require("guestlua.core")
local journal = require("guestlua.base.journal")
local json_for = require("guestlua.base.json")
local log = require("guestlua.log.log").log

local watchdog = {}

-- $0 is the guestlua command. The connection's URI, which may hold a password, and the journal are in the environment. What the host has asked for to
-- let this process in is in a file in memory, the shell's descriptor 3, if $3 names that. A signal that ends all programs of that name is not for it,
-- and libvirtd may be away for a while: it tries for an hour, as long as there is a journal.
local SCRIPT = [[
trap '' HUP INT TERM
read -r released && exit
try=0
until LIBVIRT_DEFAULT_URI=$GUESTLUA_WATCHED GUESTLUA_ANSWERS=$3 "$0" recover --journal "$1" --guest "$2"; do
  try=$((try + 1))
  [ $try -lt 250 ] && [ -d "$1" ] || exit
  [ $try -lt 10 ] && sleep 1 || sleep 15
done]]

local GIVEN = "/dev/fd/3"

local function begin(guest)
  local answers = core.answers(guest.host)
  local given <close> = #answers > 0 and core.secret_file(json_for("watchdog", "the answers of a connection").encode(answers)) or nil
  return core.watchdog(guest.host.uri, given, SCRIPT, core.command(), journal.journal(), guest.uuid, given and GIVEN or "")
end

-- Starts a watchdog for a guest that is about to be frozen; close it when the guest is thawed. nil if it cannot be started: then a later recovery
-- has to thaw.
function watchdog.start(guest)
  if core.dry_run() then
    return nil
  end
  local ok, started = pcall(begin, guest)
  if not ok then
    log.debug("nobody thaws the guest if this process dies", { guest = guest.name, reason = started })
  end
  return ok and started or nil
end

return watchdog
