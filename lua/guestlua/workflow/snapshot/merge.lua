-- Merges an image into the one below: by the QEMU of a running guest, or by qemu-img if the guest is off. one: see delete_plan.lua.

local calls = require("guestlua.log.calls")
local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local overlay = require("guestlua.workflow.overlay")
local qemu_img = require("guestlua.disk.qemu_img")
local situation = require("guestlua.workflow.situation")
local tree = require("guestlua.workflow.snapshot.tree")
local try = require("guestlua.base.try")

local merge = {}

local COMMIT = 3 -- of get_job_info().job

-- From this a recovery knows which merge was begun.
local function note(run, one)
  one.merging = true
  core.shield(run.record, run, "commit")
end

local function interfered(run, one, images)
  run:interfered(("disk %s has the images %s: %s is not on %s"):format(one.target, chain.text(images), one.overlay.path, one.base))
end

-- Raises unless the overlay is right on the base, and what was above it still is. Whether there is anything to merge.
local function is_to_do(run, one, images)
  for i, name in ipairs(images) do
    if name == one.overlay.path then
      if images[i + 1] ~= one.base or images[i - 1] ~= one.above then
        interfered(run, one, images)
      end
      return true
    end
  end
  if not chain.has(images, one.base) then
    interfered(run, one, images)
  end
  return false
end

-- ---- the guest runs ----

local function is_merged(run, one)
  return not chain.has(chain.images(run.guest, one.target), one.overlay.path)
end

-- After a failure: whether the merge may have written anything by now.
local function may_have_begun(run, one, disk)
  local known, none = try(function()
    return run.guest:is_active() and disk:get_job_info() == nil and not is_merged(run, one)
  end)
  return one.begun or not known or not none
end

-- An image below the guest's topmost one.
local function merge_below(run, one, disk)
  local job = disk:get_job_info()
  if job and not (one.merging and job.job == COMMIT and claim.is_same_instance(run.guest, run.id)) then
    run:interfered(("disk %s has a job"):format(one.target))
  elseif not job then
    note(run, one)
    core.shield(disk.commit, disk, one.base, one.overlay.path, { bandwidth = run.options.bandwidth })
    one.begun = true
    run:expect(one.target, { job = true, becoming = one.chain })
  end
  chain.await(run, disk, "completed", function()
    return is_merged(run, one)
  end)
  one.merged = true
  run:expect(one.target, { images = not core.dry_run() and chain.images(run.guest, one.target) or nil, becoming = false, job = false })
end

local function merge_live(run, one)
  if not core.dry_run() and not is_to_do(run, one, chain.images(run.guest, one.target)) then
    return
  end
  local disk = run.guest:get_block_device(one.target)
  local ok, e = pcall(function()
    if one.above then
      merge_below(run, one, disk)
    elseif one.merging then
      overlay.merge_back(run, one)
    else
      overlay.merge(run, one)
    end
  end)
  if not ok then
    one.merging = one.merging and may_have_begun(run, one, disk)
    error(e, 0)
  end
end

-- ---- the guest is off ----

-- The guest's configuration names no image any more that was merged.
local function reconfigure(run, one)
  local domain = core.element(tree.starts_with(run.guest))
  local disk = tree.disk_of(domain, one.target)
  if not disk then
    run:interfered(("the configuration does not have the disk %s any more"):format(one.target))
  end
  if chain.image_of(disk) == one.overlay.path then
    disk.source.file = one.base
    disk.driver = disk.driver or { name = "qemu" }
    disk.driver.type = one.format
  end
  disk.backingStore = nil -- libvirt reads the images' headers when the guest starts
  if core.dry_run() then
    return calls.held("virDomainDefineXML", run.guest, { xml = tostring(domain) })
  end
  run.guest.host:write_instance_config(domain):close()
end

-- If the guest went off in the moment in which it moved to the base, the last that it wrote may be there: a merge would overwrite that.
local function check_not_moved(run, one)
  if one.pivoting then
    chain.fail("job_unknown", run.guest, one.target, {
      message = ("the guest went off while its disk moved from %s to %s: it is not known which it wrote to last"):format(one.overlay.path, one.base),
      hint = "compare them; then give the configuration the right one, and `guestlua recover --forget`",
    })
  end
end

-- If somebody has saved the guest's memory, it goes on with the images of then, whatever its configuration has: what it wrote to the overlay from
-- then on would be lost at the next start from the configuration.
local function check_not_saved(run, one)
  local domain = run.guest.domain
  local saved = domain:has_managed_save_image() and tree.disk_of(core.element(domain:managed_save_get_xml_desc()), one.target)
  if saved and chain.has(situation.images_of(saved), one.overlay.path) then
    chain.fail("operation_invalid", run.guest, one.target, {
      message = ("the guest's memory was saved, and it goes on from that with %s; nothing is lost"):format(one.overlay.path),
      hint = "guestlua.workflow.resume(guest) continues it, guest.domain:managed_save_remove() drops it; then guestlua.recover(host), or try again",
    })
  end
end

local function merge_off(run, one)
  local guest = run.guest
  if core.dry_run() then
    calls.held("commit_image", guest, { path = one.overlay.path, base = one.base })
    return reconfigure(run, one)
  end
  check_not_saved(run, one)
  local disk = chain.find(guest, one.target)
  local images = disk and disk.images[1] and dependents.chain(disk.images[1]) or {}
  if is_to_do(run, one, images) then
    check_not_moved(run, one)
    note(run, one)
    qemu_img.commit(one.overlay.path)
    if one.above then
      qemu_img.rebase(one.above, one.base, one.format)
    end
    calls.did("commit_image", guest, { path = one.overlay.path, base = one.base })
    one.merged = true
  end
  if guest:is_active() then
    run:interfered("it was started")
  end
  check_not_saved(run, one)
  reconfigure(run, one)
  run:expect(one.target, { images = { chain.find(guest, one.target).images[1] } })
end

-- ---- either ----

-- Merges it, whatever became of the try before. Can be called again.
function merge.run(run, one)
  if core.dry_run() and run.data.id or not core.dry_run() and run.guest:is_active() then
    merge_live(run, one)
  else
    merge_off(run, one)
  end
  one.done = true
end

-- Whether any merge was begun: from then on the contents of the snapshots are not what they were.
function merge.is_begun(merges)
  for _, one in ipairs(merges) do
    if one.merging then
      return true
    end
  end
  return false
end

-- Why the image may have what the guest wrote last, although the guest does not have it any more; nil: it does not.
function merge.doubt(one)
  return not (one.merged or one.pivoting or one.above) and "somebody else has moved the guest to the image below" or nil
end

-- Refuses if one of the two images is another file than the one that was looked at.
function merge.check_file(run, one)
  chain.check_same(run, one.overlay)
  chain.check_same(run, one.base_file)
end

return merge
