-- Whether a backup boots: starts the guest that it has on a driver of its own, without a network, waits for its agent, runs a command in it, and
-- throws everything away. Its disks are overlays over what qemu-nbd reads: the guest's QEMU, an unprivileged user's, never sees the backup's files.
--
-- A process can have one embedded driver, so a process of its own has this one. All is in one directory, where that process and QEMU write down
-- their numbers: that is how a shell finds what to end, now, or if this process was killed. The servers of the disks end with this process.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local alone = require("guestlua.backup.alone")
local engine = require("guestlua.backup.engine")
local json = require("guestlua.base.json")
local journal = require("guestlua.base.journal")
local qemu_img = require("guestlua.disk.qemu_img")
local run = require("guestlua.host.run").run
local task = require("guestlua.task.group")
local tpm = require("guestlua.workflow.tpm")
local undo = require("guestlua.base.undo")

local boot = {}

-- Seconds for a boot and the command, by default; for the servers of the disks; and for a child that does not keep to its own limit.
local BOOT, SERVING, MORE = 300, 30, 60

-- What is run in the guest by default.
local COMMAND = { "/bin/sh", "-c", "exit" }

-- How many characters of the console's end an error shows.
local CONSOLE = 2000

-- $1: the directory.
local SETUP = [[
set -e
umask 077
mkdir "$1"
chmod 711 "$1"
mkdir "$1/etc" "$1/nbd" "$1/disks"
printf '%s\n' 'stdio_handler = "file"' 'remember_owner = 0' 'dynamic_ownership = 0' 'namespaces = []' 'security_driver = "none"' >"$1/etc/qemu.conf"
[ "$(id -u)" != 0 ] || for user in libvirt-qemu qemu; do
  if id "$user" >/dev/null 2>&1; then
    printf 'user = "%s"\nswtpm_user = "%s"\nswtpm_group = "%s"\n' "$user" "$user" "$(id -gn "$user")" >>"$1/etc/qemu.conf"
    break
  fi
done
]]

-- Gives all that QEMU has to have to its user.
local GIVE = [[
user=$(sed -n 's/^user = "\(.*\)"/\1/p' "$1/etc/qemu.conf")
[ -z "$user" ] || chown -R "$user" "$1/nbd" "$1/disks"
]]

-- Ends a process if its number is in a file of the directory and the directory is in its arguments: a number alone may be another's by now, and
-- arguments alone may be those of somebody who looks. Once the directory has another name, whatever is just starting finds no place for its number,
-- and ends.
local CLEAN = [[
mv -T "$1" "$1.over" 2>/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do
  some=
  for pid in $(find "$1.over" -name '*.pid' -exec grep -hsx '[0-9][0-9]*' {} + 2>/dev/null); do
    ! grep -qsF "$1/" "/proc/$pid/cmdline" || ! kill -KILL "$pid" 2>/dev/null || some=1
  done
  [ "$some" ] || break
  sleep 0.1
done
rm -rf "$1" "$1.over"
]]

local function fail(kind, fields)
  fields.kind = kind
  error(core.Error.new(fields), 0)
end

local function sh(script, ...)
  local code, _, errors = run("sh", { args = { "-c", script, "sh", ... } })
  if code ~= 0 then
    fail("system_error", { message = core.printable((errors:gsub("%s+$", ""))) })
  end
end

-- A directory that is not made yet. It goes, with all that runs in it, when the guard is closed, or if this process dies.
local function new_root()
  local root = "/var/tmp/guestlua-" .. journal.new_id():match("%x+$")
  local watchdog = core.watchdog("", nil, "read -r released && exit\n" .. CLEAN, "sh", root)
  return root, undo.guard(function()
    sh(CLEAN, root)
    watchdog:release()
  end)
end

local function contents(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a") or ""
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- ---- disks ----

-- Serves each disk of the backup, as long as the group is open, and makes an overlay over each: { target, path, format }.
local function serve(root, group, store, manifest, key)
  local files = {}
  for i, disk in ipairs(manifest.disks) do
    local socket, errors = ("%s/nbd/%s"):format(root, disk.target), ("%s/%s.errors"):format(root, disk.target)
    if disk.chain[1].uri then
      fail("argument_unsupported", { device = disk.target, device_type = "disk", message = "the disks are at an NBD server, and only what is in "
        .. "files is booted" })
    end
    local command = engine.reader(store:path(disk.chain[1].file), "qcow2", errors, manifest.encryption and key)
    table.move({ "--persistent", "--shared=4", "--socket=" .. socket }, 1, 3, #command + 1, command)
    local server = group:spawn(function()
      return run(command[1], { args = table.move(command, 2, #command, 1, {}) })
    end)
    local deadline = core.now() + SERVING
    while not core.identify(socket) do
      if server:status() ~= "running" or core.now() >= deadline then
        local why = core.printable((contents(errors):gsub("%s+$", "")))
        fail("nbd_error", { device = disk.target, device_type = "disk", message = "qemu-nbd does not serve the disk: "
          .. (why ~= "" and why or server:status() == "running" and "it takes too long" or "it ended, and said nothing") })
      end
      core.sleep(0.02)
    end
    files[i] = { target = disk.target, path = ("%s/disks/%s.qcow2"):format(root, disk.target), format = "qcow2" }
    qemu_img.run({ "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "nbd+unix:///?socket=" .. socket, files[i].path, tostring(disk.size) })
  end
  return files
end

-- ---- the guest ----

local function failure(root, manifest, answer)
  local console = contents(root .. "/disks/console.log"):sub(-CONSOLE)
  fail("boot_failed", { backup = manifest.id, message = ("the backup %s does not boot: %s"):format(manifest.id, answer.message),
    output = answer.output, errors = answer.errors, exit_code = answer.exit_code, console = console,
    hint = console ~= "" and "the end of its console: " .. core.printable(console:match("[^\n]*\n?[^\n]*\n?[^\n]*%s*$")) or nil })
end

-- The configuration on those disks, and what else QEMU reads, copied to where its user may read it.
local function configuration(root, store, manifest, files)
  local nvram, state = store:kept(manifest, "nvram"), store:kept(manifest, "tpm")
  state = state and run("sh", { args = { "-c", "command -v swtpm && command -v swtpm_setup" } }) == 0 and state or nil
  local element, copies = alone(store:kept(manifest, "domain"), files, nvram and root .. "/disks/nvram", state ~= nil, root .. "/disks")
  if state then
    local path = tpm.path({ uri = core.embedded_uri(root) }, element)
    tpm.make_directory(path)
    write(path, state)
  end
  if nvram then
    write(root .. "/disks/nvram", nvram)
  end
  write(root .. "/disks/console.log", "")
  for from, to in pairs(copies) do
    sh('cp -- "$1" "$2"', from, to)
  end
  return tostring(element)
end

-- Refuses a command that is none.
function boot.check(op, options)
  if not options.boot and (options.command or options.boot_timeout) then
    bad(op, options.command and "command" or "boot_timeout", "boot=true expected with it")
  end
  if options.command and #options.command == 0 then
    bad(op, "command", "a program expected")
  end
end

-- The limit of a boot for which so many seconds are left; nil: as many as it takes.
function boot.within(left)
  return left and math.max(math.min(left, BOOT), 1)
end

-- Boots a backup. key: of an encrypted one. options: command, a list; boot_timeout. Returns { agent_seconds, exit_code, output, errors }.
function boot.run(store, manifest, options, key)
  local module = json("verify", "a boot")
  local seconds = options.boot_timeout or BOOT
  local root, guard = new_root()
  local closed <close> = guard -- luacheck: ignore closed
  sh(SETUP, root)
  local group <close> = task.group()
  local files = serve(root, group, store, manifest, key)
  local xml = configuration(root, store, manifest, files)
  sh(GIVE, root)
  write(root .. "/request", module.encode({ root = root, xml = xml, seconds = seconds, command = options.command or COMMAND }))
  local code, output, errors = run(core.command(), { args = { "-q", "-e", ('require("guestlua.backup.boot_inside")(%q)'):format(root .. "/request") },
    timeout = seconds + MORE })
  local answer = code == 0 and module.decode(output)
  if not answer then
    answer = { message = ("guestlua ended with %d: %s"):format(code, core.printable((errors:gsub("%s+$", "")))) }
  end
  if answer.message then
    failure(root, manifest, answer)
  end
  return answer
end

return boot
