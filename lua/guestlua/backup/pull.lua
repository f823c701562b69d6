-- Backups that guestlua reads itself, from the server of libvirt's job (pull mode) or from the files of a guest that is off.

local core = require("guestlua.core")
local engine = require("guestlua.backup.engine")
local image = require("guestlua.disk.image")
local moment = require("guestlua.backup.moment")
local retry = require("guestlua.workflow.retry")
local scratch = require("guestlua.backup.scratch")
local server = require("guestlua.backup.server")

local pull = {}

local function copy_of(run, disk, entry)
  local store, options, since = run.store, run.options, disk.since
  local errors = { store:path(run.id .. "." .. disk.target .. ".from"), store:path(run.id .. "." .. disk.target .. ".to") }
  if entry.image then
    image.check_own(run.guest, disk.target, entry.image)
    engine.create(entry.image, "qcow2", disk.size, { compress = options.compress, backing = since and since.chain[1].file, key = run.key })
    if run.key then
      run:record("copy") -- the image may be another file by now
    end
  end
  return {
    target = disk.target,
    errors = errors,
    from = run.off and engine.reader(disk.source, disk.format, errors[1])
      or ("nbd+unix:///%s?socket=%s"):format(disk.target, run.data.socket),
    bitmap = since and "qemu:dirty-bitmap:backup-" .. disk.target or nil,
    to = entry.uri or engine.writer(entry.image.path, "qcow2", errors[2], { compress = options.compress, size = disk.size, key = run.key }),
    server = entry.uri,
    place = entry.image and entry.image.path or nil,
    over = entry.uri ~= nil,
    made = store:path(disk.sums),
    lists = since and store:lists(since) or nil,
    rate = options.bandwidth and math.max(options.bandwidth * (1 << 20) // #run.disks, 1) or nil,
  }
end

-- Errors of a copy from a server that is gone.
local NO_SERVER = { nbd_error = true, io_error = true }

-- Copies. Whoever ends the job takes away the server of the disks, and the copy fails: the error is a "conflict" then.
local function copy_all(run, copies)
  local ok, results = retry.try(engine.copy, copies, function(progress)
    scratch.check_room(run)
    if run.options.on_progress then
      run.options.on_progress(progress)
    end
  end)
  if ok then
    return results
  end
  local ended = not run.off and core.Error.is(results) and NO_SERVER[results.kind] and moment.ended_by_others(run)
  if ended then
    run:interfered(ended, results)
  end
  error(results, 0)
end

-- When the images of a guest that is off were written to: QEMU's lock keeps nobody from writing to a raw one that is read.
local function times_of(run)
  local times = {}
  for _, disk in ipairs(run.off and run.disks or {}) do
    for _, path in ipairs(disk.images) do
      local now = core.identify(path)
      times[path] = now and now.written or "gone"
    end
  end
  return times
end

-- Copies the disks, from the server of libvirt's job or from their files. Returns the results.
function pull.copy(run)
  local copies, times = {}, times_of(run)
  for i, disk in ipairs(run.disks) do
    copies[i] = copy_of(run, disk, run.data.disks[i])
  end
  server.take_over(run, copies)
  local results = copy_all(run, copies)
  for i, entry in ipairs(run.data.disks) do
    if entry.image then
      engine.complete(entry.image.path, run.disks[i].size, run.options.compress)
    end
  end
  for path, time in pairs(times_of(run)) do
    if times[path] ~= time then
      run:interfered(("%s was written while it was copied"):format(path))
    end
  end
  return results
end

return pull
