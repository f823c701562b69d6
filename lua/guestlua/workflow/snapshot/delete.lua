-- Deletes external snapshots: what the guest has written since each is merged into the image with its content, and the images that nobody needs any
-- more are removed.

local chain = require("guestlua.workflow.chain")
local core = require("guestlua.core")
local image = require("guestlua.disk.image")
local io_error = require("guestlua.workflow.io_error")
local merge = require("guestlua.workflow.snapshot.merge")
local plan = require("guestlua.workflow.snapshot.delete_plan")
local steps = require("guestlua.workflow.steps")
local tree = require("guestlua.workflow.snapshot.tree")

-- From then on there is no way back.
local function is_begun(run)
  return run.data.tidying or merge.is_begun(run.data.merges)
end

-- ---- libvirt's record ----

-- They go first: once a merge has begun, their contents are not what they were.
local function forget(run)
  run.forgotten = {}
  for _, snapshot in ipairs(run.data.snapshots) do
    local one <close> = run.guest:snapshot_lookup_by_name(snapshot.name)
    run.forgotten[snapshot.name] = true -- an answer may be lost
    one:delete({ metadata_only = true })
    if run.expected then
      run.expected.snapshots[snapshot.name] = nil
    end
  end
end

-- Gives a snapshot that is there this description, unless it is another one of that name.
local function describe(guest, list, name, xml, current)
  local now = tree.find(list, name)
  if now and now.xml ~= xml and tree.has(list, xml) then
    tree.redefine(guest, xml, now.current or current)
  end
end

-- Those of the run that are not there any more: somebody else has deleted them, or taken others of their names. By name.
local function missing(run, list)
  local names = {}
  for _, snapshot in ipairs(run.data.snapshots) do
    names[snapshot.name] = not tree.has(list, snapshot.xml) or nil
  end
  return names
end

local function remember(run)
  local guest, data = run.guest, run.data
  if is_begun(run) then
    return
  end
  local was = tree.read(guest)
  for i = #data.snapshots, 1, -1 do
    local snapshot = data.snapshots[i]
    if (run.recovering or run.forgotten and run.forgotten[snapshot.name]) and not tree.find(was, snapshot.name) then
      tree.redefine(guest, snapshot.xml, snapshot.name == data.current)
    end
  end
  local gone = missing(run, tree.read(guest))
  for _, kin in ipairs(data.kin) do
    if not gone[tree.parse(kin.old).parent or ""] then
      describe(guest, was, kin.name, kin.old, kin.name == data.current)
    end
  end
  return next(gone) and ("undone: this run has deleted no snapshot; somebody else has deleted '%s'"):format(next(gone))
    or "undone: the snapshots are as they were"
end

-- ---- the images ----

local function commit(run)
  for _, one in ipairs(run.data.merges) do
    if not one.done then
      if not core.dry_run() then
        merge.check_file(run, one)
      end
      merge.run(run, one)
    end
  end
end

-- The snapshots that stay, and the files that nobody needs any more. Can be called again.
local function tidy(run)
  local guest, data = run.guest, run.data
  local list = core.dry_run() and {} or tree.read(guest)
  data.tidying = true
  if not run.recovering and not core.dry_run() then
    run:record("tidy")
  end
  for _, kin in ipairs(data.kin) do
    if core.dry_run() then
      tree.redefine(guest, kin.new)
    else
      describe(guest, list, kin.name, kin.new)
    end
  end
  local doubts = {}
  for _, one in ipairs(data.merges) do
    doubts[one.overlay.path] = not core.dry_run() and merge.doubt(one) or nil
  end
  for _, file in ipairs(data.files) do
    local gone, why = false, doubts[file.path]
    if not why then
      gone, why = image.remove(guest, file)
    end
    if not gone then
      run:leave(file.path, why)
    end
  end
end

-- A merge that was begun has to be finished: an undo does that.
local function finish(run)
  if not is_begun(run) then
    return
  end
  run.left = {}
  commit(run)
  tidy(run)
  return "finished: the snapshots are deleted"
end

local function verify(run)
  for _, one in ipairs(run.data.merges) do
    local images = chain.images(run.guest, one.target)
    if chain.has(images, one.overlay.path) then
      run:interfered(("disk %s has the images %s, and should not have %s any more"):format(one.target, chain.text(images), one.overlay.path))
    end
  end
  if run.data.id then
    io_error.check(run)
  end
end

local function result(run)
  local names, disks = {}, {}
  for i, snapshot in ipairs(run.data.snapshots) do
    names[i] = snapshot.name
  end
  for i, target in ipairs(run.data.targets) do
    disks[i] = { target = target, images = chain.images(run.guest, target) }
  end
  return { snapshots = names, disks = disks }
end

local function gone(run)
  local merged = run.data.tidying
  for _, file in ipairs(run.data.files) do
    if core.find_image(file.path) then
      run:leave(file.path, merged and "nobody needed it any more" or "what the guest wrote last may be in it")
    end
  end
  return merged and "finished: the snapshots are deleted; the guest is gone" or "the guest is gone"
end

steps.define({
  name = "snapshot_delete",
  help = "Deletes an external snapshot. What the guest has written since is merged into the image with the snapshot's content, while the guest runs "
    .. "or, if it is off, by qemu-img; then the images that nobody needs any more are removed. It refuses if anything else is based on these "
    .. "images. A failure before the merge has the snapshot back; a merge that was begun is finished.",
  fields = {
    { name = "snapshots", type = "string[]", help = "the names of the deleted snapshots" },
    { name = "disks", type = "table[]", help = "their disks: target, images (the chain now, as the guest's description has it)" },
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "name", type = "string", required = true, help = "the snapshot's name" },
    { name = "children", type = "boolean", help = "delete those that were taken after it too; default: they stay" },
    { name = "timeout", type = "number", help = "seconds for the whole workflow; a merge that was begun is finished all the same" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s that a merge may use while the guest runs" },
    { name = "on_progress", type = "function", help = "called with a merge's get_job_info() every half second" },
  },
  plan = plan,
  beside = function(run, group)
    if run.data.id then
      io_error.watch(run, group)
    end
  end,
  gone = gone,
  { "forget", run = forget, undo = remember, change = true },
  { "commit", run = commit, undo = finish, change = false },
  { "tidy", run = tidy, undo = finish, change = true },
  { "verify", run = verify, checks = true },
  result = result,
})
