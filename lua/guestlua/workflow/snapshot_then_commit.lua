-- Overlay, work, merge back: the disks get new images on top, then the work is done (a backup of the images below, an upgrade that may have to be
-- taken back), and then the guest's writes are merged and it continues on the images that it had.
--
-- However it ends, by an error, a timeout, Ctrl-C or a lost connection, the disks are as before. A killed run is recovered.

local core = require("guestlua.core")
local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local define = require("guestlua.base.define")
local image = require("guestlua.disk.image")
local io_error = require("guestlua.workflow.io_error")
local freeze = require("guestlua.guest.freeze")
local freezing = require("guestlua.workflow.freezing")
local lower = require("guestlua.disk.lower")
local overlay = require("guestlua.workflow.overlay")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local watchdog = require("guestlua.guest.watchdog")

local NAME = "snapshot_then_commit"

-- ---- look ----

-- The disks that were asked for, or all that can have an overlay.
local function meant_disks(run)
  local disks = {}
  for _, disk in ipairs(chain.disks(run.guest, run.options.disks, { domain = run:domain() })) do
    if run.options.disks then
      chain.check_fit(run.guest, disk)
    end
    disks[#disks + 1] = not chain.unfit(disk.element) and disk or nil
  end
  return disks
end

-- For each disk: target, base (its image) and overlay (the file that it gets).
local function disks_of(run)
  local guest, disks = run.guest, {}
  for _, disk in ipairs(meant_disks(run)) do
    if disk.type ~= "file" or not disk.images[1] then
      chain.fail("argument_unsupported", guest, disk.target, {
        message = ("a disk of type %s: this workflow makes overlays in files"):format(disk.type),
        hint = "name the disks that it should take, as in disks={\"vda\"}",
      })
    end
    chain.check_plain(run, disk)
    disks[#disks + 1] = { target = disk.target, base = disk.images[1], base_file = lower.known(guest, disk.images[1]),
      overlay = image.beside(guest, disk.images[1], run.id, disk.target) }
  end
  if #disks == 0 then
    run:fail("device_not_found", { message = "the guest has no disk that an overlay could be made of" })
  end
  return disks
end

-- Adds `configuration` to each disk: as the guest would start with it, or nil. persistent: whether it has a configuration.
local function add_configurations(guest, disks, persistent)
  local configuration = chain.configuration(guest, persistent)
  for _, disk in ipairs(disks) do
    local configured = chain.configured(guest, disk.target, disk.base, configuration)
    disk.configuration = configured and tostring(configured.element)
  end
end

-- After a power-off and a new start the guest has what its configuration has.
local function check_can_be_rolled_back(run, disks, persistent)
  if not persistent then
    run:fail("operation_invalid", { message = "a guest without a persistent configuration cannot be rolled back: it would be gone" })
  end
  for _, disk in ipairs(disks) do
    if not disk.configuration then
      chain.fail("operation_invalid", run.guest, disk.target, {
        message = "the guest cannot be rolled back: its configuration does not have the disk with this image, and it would start without",
        hint = "name the disks that it should take, as in disks={\"vda\"}",
      })
    end
  end
end

local function plan(run)
  run.before = state.check(run.guest)
  local disks, overlays = disks_of(run), {}
  for i, disk in ipairs(disks) do
    overlays[i] = disk.overlay.path
  end
  local before = run:watch(chain.targets(disks), overlays)
  for _, disk in ipairs(disks) do
    chain.check_idle(run.guest, disk.target, before.disks[disk.target])
  end
  add_configurations(run.guest, disks, before.persistent)
  if run.options.quiesce then
    freeze.check_quiesce(run.guest)
  end
  if run.options.on_failure == "rollback" then
    check_can_be_rolled_back(run, disks, before.persistent)
  end
  run.left_out = not run.options.disks and chain.left_out(run:domain(), chain.targets(disks)) or nil
  return { disks = disks, quiesce = run.options.quiesce or false, paused = run.before.word == "paused",
    checkpoints = run.options.on_failure == "rollback" and run.guest:get_checkpoint_names() or nil }
end

-- ---- overlays ----

local function make_overlays(run)
  for _, disk in ipairs(run.data.disks) do
    image.make(run.guest, disk.target, disk.overlay, disk.base)
  end
end

local function remove_overlays(run)
  for _, disk in ipairs(run.data.disks) do
    overlay.remove(run, disk, run.data.rolling_back)
  end
end

-- What the snapshot is of, as tables for <disk>.
local function wanted(run)
  local list = {}
  for i, disk in ipairs(run.data.disks) do
    list[i] = { name = disk.target, snapshot = "external", type = "file", source = { file = disk.overlay.path } }
  end
  return list
end

-- Somebody else took a snapshot right before: the run's overlay is on that one's image, which the guest wrote to until then, and is merged into it.
local function put_on(run, disk, images)
  if images[1] == disk.overlay.path and images[2] then
    disk.was, disk.base, disk.base_file = disk.base, images[2], lower.known(run.guest, images[2])
  end
end

-- libvirt freezes and thaws by itself; the embedded driver dies with this process in between.
local function snapshot(run)
  if run.data.quiesce then
    freezing.begin(run)
  end
  local dog <close> = run.data.quiesce and watchdog.start(run.guest) or nil -- luacheck: ignore dog
  chain.snapshot(run, wanted(run), { disk_only = true, no_metadata = true, atomic = true, quiesce = run.data.quiesce })
  if run.data.quiesce then
    freezing.record_over(run) -- libvirt has thawed it
  end
  if core.dry_run() then
    return
  end
  local domain, others = core.element(run.guest:get_xml_desc()), {}
  for _, disk in ipairs(run.data.disks) do
    image.confirm(disk.overlay)
    local images = chain.images(run.guest, disk.target, { domain = domain })
    if images[1] ~= disk.overlay.path or images[2] ~= disk.base then
      others[#others + 1] = ("disk %s has the images %s, and should have %s on %s"):format(disk.target, chain.text(images), disk.overlay.path,
        disk.base)
      put_on(run, disk, images)
    end
    run:expect(disk.target, { images = images })
  end
  if #others > 0 then
    run:interfered(table.concat(others, "; "))
  end
end

-- Raises, before anything is thrown away, unless all of it was written by the run's guest. Whether that runs on an overlay.
local function check_rollback(run)
  local guest, on_overlay = run.guest, false
  if not guest:has_persistent_configuration() then
    run:interfered("it was undefined: powered off, it would be gone")
  elseif guest.domain:has_managed_save_image() then
    run:interfered("its memory was saved: it would go on from that, on the disks of then")
  end
  for _, disk in ipairs(run.data.disks) do
    chain.check_same(run, disk.base_file)
  end
  for _, name in ipairs(guest:get_checkpoint_names()) do
    if not chain.has(run.data.checkpoints or {}, name) then
      run:interfered(("it has a checkpoint '%s', for which it notes what changes in an overlay"):format(name))
    end
  end
  local domain = core.element(guest:get_xml_desc())
  for _, disk in ipairs(domain.id and run.data.disks or {}) do
    local images = chain.images(guest, disk.target, { domain = domain })
    if chain.has(images, disk.overlay.path) and images[1] ~= disk.overlay.path then
      run:interfered(("disk %s has the images %s: what is above the run's overlay is not the run's"):format(disk.target, chain.text(images)))
    end
    on_overlay = on_overlay or images[1] == disk.overlay.path
  end
  if on_overlay and not claim.is_same_instance(guest, run.id) then
    run:interfered("it was restarted: what it wrote since is not the run's")
  elseif on_overlay and not run.recovering then
    run:check_unchanged()
  end
  return on_overlay
end

-- The disk of a configuration has the images again that it had; whatever else of it was changed since stays.
local function put_back(element, was)
  element.type, element.source, element.backingStore = was.type, was.source, was.backingStore
  element.driver = element.driver or was.driver
  if element.driver then
    element.driver.type = was.driver and was.driver.type
  end
end

-- What others have changed about the disks of the running guest: a list of texts.
local function differences(run)
  local parts = {}
  local domain = core.element(run.guest:get_xml_desc())
  for _, disk in ipairs(domain.id and run.data.disks or {}) do
    local found = chain.find(run.guest, disk.target, { domain = domain })
    if not found then
      parts[#parts + 1] = ("the running guest does not have the disk %s any more"):format(disk.target)
    elseif found.images[1] ~= (disk.was or disk.base) then
      parts[#parts + 1] = ("disk %s has the images %s"):format(disk.target, chain.text(found.images))
    end
  end
  return parts
end

-- Puts the guest back to the snapshot: its later writes are thrown away, and it is started again. Can be called again.
local function roll_back(run)
  local guest, by_overlay = run.guest, {}
  for _, disk in ipairs(run.data.disks) do
    by_overlay[disk.overlay.path] = disk
  end
  local on_overlay = check_rollback(run)
  local goes_on = not on_overlay and guest:is_active() -- it was started again already
  if on_overlay then
    guest:poweroff({ timeout = 30 })
  end
  local config, found = core.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true })), false
  for _, element in ipairs(config.devices:children("disk")) do
    local disk = by_overlay[chain.image_of(element) or ""]
    if disk then
      found = true
      put_back(element, core.element(disk.configuration))
    end
  end
  if found then
    guest.host:write_instance_config(config):close()
  end
  if goes_on then
    local parts, how = differences(run), state.look(guest).word == "paused" and "is paused" or "runs"
    return ("rolled back: the guest %s"):format(how) .. (#parts == 0 and ", on the disks that it had" or "; " .. table.concat(parts, "; "))
  end
  guest:launch({ pause = run.data.paused, timeout = 40 })
  return "rolled back: the guest was started again as it was at the snapshot" .. (run.data.paused and ", paused" or "")
end

-- The state of the disks when no overlay of the run needs merging any more.
local function undone(run)
  local parts = differences(run)
  return #parts == 0 and "undone: the disks have the images they had, with all that the guest wrote"
    or "undone: no overlay is in use; " .. table.concat(parts, "; ")
end

local function take_back(run)
  local thawed, e = true, nil
  if run.data.quiesce and freezing.may_last(run) then
    thawed, e = pcall(freeze.thaw_once, run.guest)
  end
  local text
  if run.data.rolling_back then
    text = roll_back(run)
  else
    chain.each(run.data.disks, function(disk)
      overlay.merge_back(run, disk)
    end)
    text = undone(run)
  end
  if not thawed then
    error(e, 0)
  end
  return text
end

-- ---- the work, and the end ----

-- Whoever has paused the guest, before or meanwhile, does not want it to run.
local function begin_rollback(run)
  local data, known, word, why = run.data, pcall(run.guest.get_state, run.guest, { timeout = 5 })
  data.rolling_back, data.paused = true, data.paused or known and word == "paused" and why == "user"
  run:record("snapshot")
end

local function during(run)
  local fn = run.options.during
  if not fn then
    return
  end
  local described = {}
  for i, disk in ipairs(run.data.disks) do
    described[i] = { target = disk.target, base = disk.base, overlay = disk.overlay.path }
  end
  local ok, result = pcall(fn, described)
  if not ok and run.options.on_failure == "rollback" then
    core.shield(begin_rollback, run)
  end
  if not ok then
    error(result, 0)
  end
  run.result = result
end

local function commit(run)
  for _, disk in ipairs(run.data.disks) do
    overlay.merge(run, disk)
  end
end

local function verify(run)
  run.after = {}
  if core.dry_run() then
    return remove_overlays(run)
  end
  for i, disk in ipairs(run.data.disks) do
    local images = chain.images(run.guest, disk.target, { domain = run:domain() }) -- compared right before
    if images[1] ~= disk.base then
      run:interfered(("disk %s has the images %s, and should have %s"):format(disk.target, chain.text(images), disk.base))
    end
    run.after[i] = { target = disk.target, images = images }
  end
  io_error.check(run)
  remove_overlays(run)
end

local function gone(run)
  for _, disk in ipairs(run.data.disks) do
    run:leave(disk.overlay.path, "what the guest wrote last is in it, unless it was merged")
  end
  return "the guest is gone"
end

steps.define({
  name = NAME,
  help = "Puts an overlay on the guest's disks, all at the same moment, calls `during` while the images below do not change, and merges the "
    .. "overlays back while the guest runs. If a step fails, the merge is still done before the error is raised.",
  fields = {
    { name = "disks", type = "table[]", help = "the included disks: target, images (the chain now)" },
    { name = "during", type = "any", help = "the result of the option during" },
    { name = "left_out", type = "table[]?", help = "disks that were not included: target, why" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disks", type = "list of strings", help = "the targets of the disks, for example {\"vda\"}; nil: all writable disks" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems during the snapshot; needs the guest agent" },
    { name = "during", type = "function", help = "called between snapshot and commit, with the disks: a list of {target, base, overlay}" },
    { name = "on_failure", type = "string", help = "if `during` fails: \"commit\" (default) keeps what the guest wrote; \"rollback\" throws it "
      .. "away: the guest is powered off and started again as it was at the snapshot" },
    chain.PLAIN,
    { name = "timeout", type = "number", help = "seconds for the whole workflow without `during`; after that it is taken back" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s that the merge may use" },
    { name = "on_progress", type = "function", help = "called with the merge's get_job_info() every half second" },
  },
  arguments = function(run)
    local choice = run.options.on_failure
    if choice and choice ~= "commit" and choice ~= "rollback" then
      define.bad(NAME, "on_failure", "no such choice '" .. choice .. "'; there are: commit, rollback")
    end
  end,
  plan = plan,
  beside = io_error.watch,
  gone = gone,
  { "make", run = make_overlays, undo = remove_overlays, aside = true },
  { "snapshot", run = snapshot, undo = take_back, change = true, any_size = true }, -- an overlay gets the size that its disk has then
  { "during", run = during, unlimited = true, aside = true },
  { "commit", run = commit },
  { "verify", run = verify, any_size = true }, -- the disks are the guest's again
  result = function(run)
    return { disks = run.after, during = run.result, left_out = run.left_out, plain = run.plain }
  end,
})
