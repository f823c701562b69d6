-- Puts a guest back to an external snapshot: its disks get fresh images on top of those that have the snapshot's content, which nobody writes to.

local calls = require("guestlua.log.calls")
local chain = require("guestlua.workflow.chain")
local core = require("guestlua.core")
local dependents = require("guestlua.disk.dependents")
local down = require("guestlua.workflow.power.down")
local image = require("guestlua.disk.image")
local plan = require("guestlua.workflow.snapshot.revert_plan")
local qemu_img = require("guestlua.disk.qemu_img")
local retry = require("guestlua.workflow.retry")
local situation = require("guestlua.workflow.situation")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local tree = require("guestlua.workflow.snapshot.tree")

-- data.was is libvirt's word for how the guest was, and for one that is paused its reason: "user" if somebody wanted that.

-- Seconds for libvirt to start the guest, or to read its memory.
local START_FOR = 300

-- The same for an undo: libvirt may take longer than the undos' other calls have.
local UNDO_FOR = 40

local DONE = "finished: the guest is as it was at the snapshot"

-- Whether a description of the guest has images of the run as its disks, or below: that of a guest that is off may not say what is below.
local function has_overlays(run, xml)
  local domain = core.element(xml)
  for _, disk in ipairs(run.data.disks) do
    local element = tree.disk_of(domain, disk.target)
    local images = element and situation.images_of(element) or {}
    local last = images[#images] or ""
    if chain.has(images, disk.overlay.path) or last:sub(1, 1) == "/" and chain.has(dependents.chain(last), disk.overlay.path) then
      return true
    end
  end
  return false
end

-- What the run has done to the guest up to here is its own.
local function watch(run)
  local targets, overlays = {}, {}
  for i, disk in ipairs(run.data.disks) do
    targets[i], overlays[i] = disk.target, disk.overlay.path
  end
  local ok, e = retry.try(function()
    run:look()
    run:watch(targets, overlays)
  end)
  if core.Error.is(e, "no_domain") then
    run:interfered("the host does not know it any more", e)
  elseif not ok then
    error(e, 0)
  end
end

-- Whether the guest has written to the new images.
local function is_written(run)
  for _, disk in ipairs(run.data.disks) do
    local now = core.find_image(disk.overlay.path)
    if not now or now.size ~= disk.size then
      return true
    end
  end
  return false
end

-- Whether the guest has begun to run with the new images: from then on there is no way back. It may be off again by the time that a killed run is
-- recovered.
local function has_moved(run)
  if run.moved == nil and not core.dry_run() then
    local active = run.guest:is_active()
    run.moved = run.data.done or active and has_overlays(run, run.guest:get_xml_desc())
      or run.data.starting and not active and has_overlays(run, tree.starts_with(run.guest)) and is_written(run) or false
  end
  return run.moved
end

-- ---- the disks ----

-- Raises if one of the images with the snapshot's content is another file by now, or somebody has written to it, such as a merge of a guest that is
-- off, which nobody else's claim keeps away.
local function check_bases(run)
  for _, disk in ipairs(run.data.disks) do
    chain.check_same(run, disk.base_file)
    local now = not core.dry_run() and core.identify(disk.base)
    if now and now.written ~= disk.written then
      run:interfered(("%s has lost the content of snapshot '%s': it was written to"):format(disk.base, run.data.name))
    end
  end
end

local function make(run)
  for _, disk in ipairs(run.data.disks) do
    image.make(run.guest, disk.target, disk.overlay, disk.base)
    if not core.dry_run() then
      if not disk.overlay.ino then
        chain.fail("system_error", run.guest, disk.target, {
          message = ("%s cannot be made: %s"):format(disk.overlay.path, disk.overlay.why or "its directory cannot be seen"),
        })
      end
      run:record("make")
      image.check_own(run.guest, disk.target, disk.overlay)
      chain.check_same(run, disk.base_file)
      qemu_img.overlay(disk.overlay.path, disk.base, disk.format)
      disk.size = core.find_image(disk.overlay.path).size
    end
  end
end

local function unmake(run)
  if has_moved(run) then
    return nil
  end
  for _, disk in ipairs(run.data.disks) do
    local gone, why = image.remove(run.guest, disk.overlay)
    if not gone then
      run:leave(disk.overlay.path, why)
    end
  end
  return not run.data.id and "undone: the guest has the disks that it had" or nil
end

-- ---- stop ----

-- The images of a guest that is off are described down to some layer or other.
local function expect_off(run)
  run.expected.id = nil
  for target, disk in pairs(run.expected.disks) do
    local known, now = retry.try(chain.find, run.guest, target)
    local images = known and now and now.images or {}
    if images[1] and chain.text(images) == chain.text(table.move(disk.images, 1, #images, 1, {})) then
      disk.images = images
    end
  end
end

local function stop(run)
  run.data.stopping = true
  run:record("stop")
  down.pull_plug(run.guest, run.data.id)
  if not core.dry_run() then
    expect_off(run)
    run:check_unchanged()
  end
end

local function start_again(run)
  local guest, data = run.guest, run.data
  if has_moved(run) or not data.stopping then -- if it is off, that is others' doing
    return nil
  elseif guest:is_active() then
    return data.id == guest.id and "undone: the guest was not stopped" or "undone: the guest has its disks, and runs"
  elseif data.was == "crashed" or has_overlays(run, tree.starts_with(guest)) then -- or its configuration could not be put back
    return nil
  end
  local ok, e = pcall(guest.launch, guest, { pause = data.was == "user", timeout = UNDO_FOR })
  if not ok and (e.still_running or not guest:is_active()) then -- libvirt may yet start it, or fail to
    error(e, 0)
  end
  return "undone: the guest was started again with the disks that it had"
end

-- ---- the configuration ----

local function define(run)
  local guest, data = run.guest, run.data
  if not core.dry_run() and tree.starts_with(guest) ~= data.before then
    run:interfered("its configuration was changed")
  end
  check_bases(run)
  if core.dry_run() then
    return calls.held("virDomainDefineXML", guest, { xml = data.wanted })
  end
  guest.host:write_instance_config(data.wanted, { drop_secrets = true }):close() -- it has all those that the guest had then
  data.defined = tree.starts_with(guest)
  run:record("define")
  watch(run)
end

-- Whether a configuration is the one that the run has given to the guest, as far as that is known.
local function is_as_defined(run, xml)
  local domain = core.element(xml)
  for _, disk in ipairs(run.data.disks) do
    local element = tree.disk_of(domain, disk.target)
    if not element or chain.image_of(element) ~= disk.overlay.path then
      return false
    end
  end
  return xml == (run.data.defined or xml)
end

local function undefine(run)
  local guest, data = run.guest, run.data
  local now = tree.starts_with(guest)
  if has_moved(run) or not has_overlays(run, now) then
    return
  elseif not is_as_defined(run, now) then
    local names = {}
    for i, disk in ipairs(data.disks) do
      names[i] = disk.overlay.path
    end
    steps.fail("conflict", guest, {
      message = "somebody else has changed the configuration that the run has given to the guest, with " .. table.concat(names, " and "),
      hint = "the journal has the one that it had: define it, then guestlua.recover(host)",
    })
  end
  guest.host:write_instance_config(data.before, { drop_secrets = true }):close() -- it was read with all its secrets
end

-- ---- libvirt's record ----

local function redefine(run)
  tree.redefine(run.guest, run.data.record.new, true)
  if not core.dry_run() then
    run.expected.snapshots = situation.snapshots(run.guest)
  end
end

-- Others may have removed a snapshot meanwhile, or taken another one of that name: it does not come back.
local function undo_redefine(run)
  if has_moved(run) then
    return
  end
  local record, list, name = run.data.record, tree.read(run.guest), run.data.name
  if tree.has(list, record.old) or tree.has(list, record.new) then
    tree.redefine(run.guest, record.old, record.current == name)
  end
  if record.current and record.current ~= name and tree.has(list, record.current_xml) then
    tree.redefine(run.guest, record.current_xml, true)
  end
end

-- ---- start ----

local function start(run)
  local guest, data = run.guest, run.data
  check_bases(run)
  data.starting = true
  if not core.dry_run() then
    run:record("start")
  end
  local ok, e
  if data.memory then
    ok, e = retry.try(guest.host.restore, guest.host, data.memory.file, data.memory.xml, { timeout = START_FOR })
  else
    ok, e = retry.try(guest.launch, guest, { pause = data.was == "user", timeout = START_FOR })
  end
  if not ok and not state.look(guest).active then
    run:check_unchanged() -- then it is others' doing
    error(e, 0)
  elseif not core.dry_run() then
    watch(run)
    if not has_overlays(run, guest:get_xml_desc()) then
      run:interfered("its disks are not those that it was given")
    end
  end
end

-- ---- the images that are not its any more ----

-- Can be called again. An image stays if one that is on top of it does, wherever that is.
local function let_go(run)
  if run.reported then -- by a later step's undo
    return
  end
  run.left = {}
  local above = {}
  for _, old in ipairs(run.data.old) do
    local gone, why = false, old.why or above[old.target] and above[old.target] .. " is on it"
    if not why then
      gone, why = image.remove(run.guest, old.file)
    end
    if not gone then
      above[old.target] = old.file.path
      run:leave(old.file.path, why)
    end
  end
  run.reported = true
end

local function finish(run)
  run.data.done = true
  if not core.dry_run() then
    run:record("finish")
    run.moved = true
  end
  let_go(run)
end

-- After a failure: a guest that has moved keeps what it has.
local function finish_if_moved(run)
  if has_moved(run) then
    let_go(run)
    return DONE
  end
end

local function result(run)
  local disks = {}
  for i, disk in ipairs(run.data.disks) do
    disks[i] = { target = disk.target, image = disk.overlay.path, base = disk.base }
  end
  return { snapshot = run.data.name, disks = disks, memory = run.data.memory ~= nil, running = run.data.start }
end

local function gone(run)
  for _, disk in ipairs(run.data.disks) do
    if core.find_image(disk.overlay.path) then
      run:leave(disk.overlay.path, "it was made for the guest")
    end
  end
  return run.data.done and DONE .. "; the guest is gone" or "the guest is gone"
end

steps.define({
  name = "snapshot_revert",
  help = "Puts the guest back to an external snapshot, which libvirt before 9.9 cannot: each disk of the snapshot gets a new image on top of the one "
    .. "with the snapshot's content, and the guest the configuration that it had then. What it has written since the snapshot is lost, unless "
    .. "a later snapshot has it. UEFI variables stay as they are. If a step fails, the guest has the disks and the configuration that it had.",
  fields = {
    { name = "snapshot", type = "string", help = "its name" },
    { name = "disks", type = "table[]", help = "the snapshot's disks: target, image (the new one), base (below it, with the snapshot's content)" },
    { name = "memory", type = "boolean", help = "whether the guest goes on from the snapshot's memory" },
    { name = "running", type = "boolean", help = "whether the guest was started" },
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest" },
    { name = "name", type = "string", required = true, help = "the snapshot's name" },
    { name = "force", type = "boolean", help = "power the guest off if it runs: what is in its memory is lost too; default: that is refused" },
    { name = "start", type = "boolean", help = "start it afterwards; default: if it ran, or if the snapshot has its memory" },
    { name = "memory", type = "boolean", help = "false: the guest boots from its disks, also if the snapshot has its memory" },
  },
  plan = plan,
  gone = gone,
  { "make", run = make, undo = unmake },
  { "stop", run = stop, undo = start_again, moves = true, change = true, when = function(run) return run.data.id ~= nil end },
  { "define", run = define, undo = undefine, change = true },
  { "record", run = redefine, undo = undo_redefine, change = true },
  { "start", run = start, undo = finish_if_moved, change = true, moves = true, when = function(run) return run.data.start end },
  { "finish", run = finish, undo = finish_if_moved },
  result = result,
})
