#!/usr/bin/env guestlua
-- Takes an external snapshot of a running guest's disk, lets the guest write on, and commits the overlay back, so that the disk is one image again.
--
--   guestlua -c URI snapshot_then_commit.lua GUEST [DISK]
--
-- DISK is the disk's target, as in vda; without it the guest's first disk is taken. Where the guest agent answers, the guest writes data before and
-- after the snapshot and has its checksums looked at in the end, and its file systems are frozen for the moment of the snapshot.
-- If a step fails, the chain is put back as it was.

local name, target = ...
if not name then
  error("usage: guestlua -c URI snapshot_then_commit.lua GUEST [DISK]", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name) or error(("there is no guest '%s' on %s"):format(name, host.uri), 0)

local function say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

-- The disk's element in the guest's configuration.
local function find_disk()
  for _, disk in ipairs(guestlua.element(guest:get_xml_desc()).devices:children("disk")) do
    if disk.target.dev == target or not target and disk.device == "disk" then
      return disk
    end
  end
  error(("guest '%s' has no disk '%s'"):format(name, target or "of any kind"), 0)
end

-- The files of the disk's images, topmost first.
local function chain()
  local files, layer = {}, find_disk()
  while layer and layer.source do
    files[#files + 1] = layer.source.file or error("this example knows disks in files only", 0)
    layer = layer.backingStore
  end
  return files
end

local function show(files)
  return table.concat(files, " <- ")
end

target = find_disk().target.dev
local disk = guest:get_block_device(target)

-- Data in the guest, and its checksums.

local agent = pcall(guest.agent_command, guest, '{"execute":"guest-ping"}', { timeout = 5 })
local written = {} -- { path, checksum } by number

local function sh(command)
  local code, out, err = guest:exec("/bin/sh", { args = { "-c", command }, timeout = 120 })
  if code ~= 0 then
    error(("in the guest: %s: exit code %d: %s"):format(command, code, err), 0)
  end
  return out
end

local directory = agent and sh("[ -d /data ] && echo -n /data || echo -n /var/tmp")

local function checksum(path)
  return sh("sha256sum " .. path):match("^%x+")
end

local function write_data(mebibytes)
  if not agent then
    return
  end
  local path = ("%s/guestlua-%d"):format(directory, #written + 1)
  sh(("dd if=/dev/urandom of=%s bs=1M count=%d 2>/dev/null && sync"):format(path, mebibytes))
  written[#written + 1] = { path, checksum(path) }
  say("the guest wrote %d MiB to %s, sha256 %s…", mebibytes, path, written[#written][2]:sub(1, 16))
end

local function check_data()
  if not agent then
    return
  end
  sh("sync; echo 3 > /proc/sys/vm/drop_caches") -- what is read now comes from the disk
  for _, w in ipairs(written) do
    if checksum(w[1]) ~= w[2] then
      error(("%s in the guest is not what was written"):format(w[1]), 0)
    end
  end
  sh("rm -f " .. directory .. "/guestlua-*")
  say("both checksums hold in the guest")
end

-- The commit.

local terminal = guestlua.isatty(io.stderr)
local function progress(info)
  local percent = info.end_ > 0 and 100 * info.cur // info.end_ or 0
  io.stderr:write(("%scommit: %3d %% of %.1f MiB%s"):format(terminal and "\r" or "", percent, info.end_ / 2^20, terminal and "" or "\n"))
end

local function expect(wanted)
  local outcome, reason = disk:await_job({ on_progress = progress })
  if terminal then
    io.stderr:write("\n")
  end
  if outcome ~= wanted then
    error(("the commit of %s: %s: %s"):format(target, outcome, reason or "?"), 0)
  end
end

local function commit()
  disk:commit(nil, nil, { active = true, shallow = true })
  expect("ready")
  disk:abort_job({ pivot = true })
  expect("completed")
end

local before = chain()
local overlay = before[1]:gsub("%.?[^./]*$", "") .. os.date(".guestlua-%Y%m%d-%H%M%S")
say("guest %s, disk %s: %s", guest.name, target, show(before))
write_data(8)

-- From here on the chain is put back on every way out, Ctrl-C included.
local undo <close> = setmetatable({}, {
  __close = function(_, failure)
    if not failure or chain()[1] ~= overlay then
      return
    end
    say("failed; putting the chain back")
    pcall(disk.abort_job, disk)
    local ok, second = pcall(commit)
    if ok then
      os.remove(overlay)
      say("the chain is as it was: %s", show(chain()))
    else
      say("that failed too: %s", tostring(second))
      say("the guest goes on, nothing is lost: the chain is %s", show(chain()))
    end
  end,
})

guest:snapshot(
  guestlua.element("domainsnapshot", { disks = { disk = { name = target, snapshot = "external", source = { file = overlay } } } }),
  { disk_only = true, no_metadata = true, atomic = true, quiesce = agent })
say("snapshot%s: %s", agent and ", with its file systems frozen" or "", show(chain()))

write_data(16)
commit()

local after = chain()
if show(after) ~= show(before) then
  error("the chain is not what it was: " .. show(after), 0)
end
say("one image again: %s", show(after))
check_data()
if os.remove(overlay) then
  say("removed the overlay")
else
  say("the overlay is no longer used, and is still there on the host: %s", overlay)
end
