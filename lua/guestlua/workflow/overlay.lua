-- The overlays that a run has put on a guest's disks: merges each into the image below, and removes its file.

local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local image = require("guestlua.disk.image")
local qcow2 = require("guestlua.disk.qcow2")
local situation = require("guestlua.workflow.situation")

local overlay = {}

-- An overlay of the run: one = { target, base, base_file = what lower.known says of it, overlay = a file of image.make }.
local function is_on_top(images, one)
  return images[1] == one.overlay.path and images[2] == one.base
end

-- Whether somebody has made a snapshot inside the overlay, which a merge would throw away.
local function check_internal_snapshots(run, one)
  local count = image.is_local(run.guest) and qcow2.internal_snapshots(one.overlay.path) or 0
  if count > 0 then
    run:interfered(("%s keeps %d snapshot%s inside"):format(one.overlay.path, count, count == 1 and "" or "s"))
  end
end

-- When a file was made, as two numbers; nil: its file system does not keep that.
local function birth(file)
  local seconds, nanoseconds = (file and file.born or ""):match("^(%d+)%.(%d+)$")
  return tonumber(seconds), tonumber(nanoseconds)
end

local function is_later(file, other)
  local seconds, nanoseconds = birth(file)
  local before, fraction = birth(other)
  return seconds and before and (seconds > before or seconds == before and nanoseconds > fraction) or false
end

-- Refuses to write to the base if somebody has put another image on top of it since the overlay is there: what is below that one would be another
-- content, of which it has a part. Whatever was put there before has lost its content already, by what the guest wrote.
local function check_base_alone(run, one)
  if one.merging or core.dry_run() or not image.is_local(run.guest) then
    return
  end
  for _, other in ipairs(dependents.on_top(run.guest, one.base)) do
    if not dependents.same(other.image, one.overlay.path) and is_later(core.identify(other.image), one.overlay) then
      chain.fail("conflict", run.guest, one.target, {
        message = ("%s has been put on top of %s, which the overlay is to be merged into: %s needs that as it is"):format(other.image, one.base,
          other.who),
        hint = ("`qemu-img rebase -b '' %s` lets it do without; then guestlua.recover(host)"):format(other.image),
      })
    end
  end
end

-- Records how far the merge of an overlay has come, before the next step: from this a recovery knows which job and which move were the run's.
local function note(run, one, what)
  one[what] = true
  core.shield(run.record, run, "commit")
end

-- Images without those above that one.
local function from(images, name)
  local rest = table.move(images, 1, #images, 1, {})
  while rest[1] and rest[1] ~= name do
    table.remove(rest, 1)
  end
  return rest
end

-- Merges the run's overlay into its base and moves the guest there. libvirt refuses if the overlay is not the topmost image by then.
function overlay.merge(run, one)
  local guest, target = run.guest, one.target
  local disk = guest:get_block_device(target)
  check_internal_snapshots(run, one)
  chain.check_same(run, one.base_file)
  check_base_alone(run, one)
  note(run, one, "merging")
  core.shield(disk.commit, disk, one.base, one.overlay.path, { active = true, bandwidth = run.options.bandwidth })
  one.begun = true
  run:expect(target, { mirror = one.base, job = true })
  chain.await(run, disk, "ready")
  note(run, one, "pivoting")
  local before = core.shield(chain.pivot, run, target, one.base)
  chain.await(run, disk, "completed", function()
    return chain.images(guest, target)[1] == one.base
  end)
  one.merged = true
  run:expect(target, { images = from(before, one.base), mirror = false, job = false })
end

-- The guest is off: its last writes are in the overlay, with which it starts, unless the disk was attached to the running guest only.
local function check_off(guest, one)
  local found = chain.find(guest, one.target, { inactive = true })
  if found and chain.has(found.images, one.overlay.path) then
    chain.fail("operation_invalid", guest, one.target, {
      message = ("the guest is off, and starts with the overlay %s; nothing is lost"):format(one.overlay.path),
      hint = "start it, and recover: guestlua.recover(host)",
    })
  elseif not one.configuration and not image.is_untouched(one.overlay) then
    chain.fail("operation_invalid", guest, one.target, {
      message = ("the guest is off, and its configuration does not have the disk: what it wrote is in the overlay %s"):format(one.overlay.path),
      hint = ("`qemu-img commit %s` merges it into %s; then `guestlua recover --forget`"):format(one.overlay.path, one.base),
    })
  end
end

-- Puts the disk back on its base with all that the guest wrote, in whatever state a failure left it. Can be called again.
function overlay.merge_back(run, one)
  local guest, target = run.guest, one.target
  local domain = core.element(guest:get_xml_desc())
  if not domain.id then
    return check_off(guest, one)
  end
  local found = chain.find(guest, target, { domain = domain })
  local images = found and found.images or {}
  if not found and image.is_untouched(one.overlay) then
    return
  elseif not found then
    chain.fail("conflict", guest, target, {
      message = ("the running guest does not have the disk any more; what it wrote last is in %s"):format(one.overlay.path),
      hint = "attach it with that image, then guestlua.recover(host)",
    })
  elseif is_on_top(images, one) then
    local mirror = situation.mirror_of(found.element)
    if mirror and not (mirror == one.base and one.merging) then
      run:interfered(("disk %s has a job to %s"):format(target, mirror))
    end
    chain.end_job_to(guest, target, one.base)
    overlay.merge(run, one)
  elseif images[1] == one.overlay.path then
    chain.fail("conflict", guest, target, {
      message = ("the disk's images are %s: the run's overlay %s is not on %s any more, which somebody has merged; nothing is lost"):format(
        chain.text(images), one.overlay.path, one.base),
      hint = "the overlay is the disk's image from now on: `guestlua recover --forget`",
    })
  elseif chain.has(images, one.overlay.path) then
    chain.fail("conflict", guest, target, {
      message = ("the disk's images are %s: what is above the run's overlay %s needs it, and is not the run's"):format(
        chain.text(images), one.overlay.path),
      hint = "merge or remove what is above, then guestlua.recover(host)",
    })
  end
end

-- Why the overlay may hold the only copy of some data; nil: all that was written to it is merged.
local function unmerged(run, one)
  if one.merged or image.is_untouched(one.overlay) then
    return nil
  elseif not claim.is_same_instance(run.guest, run.id) then
    return "it may hold what the guest wrote last: the guest was restarted since"
  end
  local images = (chain.find(run.guest, one.target) or { images = {} }).images
  if chain.has(images, one.overlay.path) then
    return "the guest has it"
  elseif images[1] ~= one.base then
    return "the disk has other images by now"
  elseif not one.pivoting then
    return "it may hold what the guest wrote last: somebody else has moved the guest to the image below"
  end
end

-- Removes an overlay that nothing uses any more, or notes why it stays. discarded: its content is not wanted.
function overlay.remove(run, one, discarded)
  local why = not discarded and unmerged(run, one)
  local gone = not why
  if not why then
    gone, why = image.remove(run.guest, one.overlay)
  end
  if not gone then
    run:leave(one.overlay.path, why)
  end
end

return overlay
