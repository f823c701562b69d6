-- A copy of a running guest's disk in its own file, as the disk was at one moment. The guest keeps its disk.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local freeze = require("guestlua.guest.freeze")
local chain = require("guestlua.workflow.chain")
local freezing = require("guestlua.workflow.freezing")
local image = require("guestlua.disk.image")
local io_error = require("guestlua.workflow.io_error")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local undo = require("guestlua.base.undo")
local watchdog = require("guestlua.guest.watchdog")

local NAME = "live_snapshot"

-- Seconds that the file systems may take to freeze by default.
local FREEZE = 60

local function arguments(run, target, path)
  local bad = image.bad_name(path)
  if bad then
    define.bad(NAME, "out_path", bad)
  elseif run.options.freeze_timeout and not run.options.quiesce then
    define.bad(NAME, "freeze_timeout", "quiesce=true expected with it: without that nothing is frozen")
  end
  run.args = { target = target, path = path }
end

local function plan(run)
  local guest, target = run.guest, run.args.target
  run.before = state.check(guest, { pmsuspended = true })
  local disk = chain.disk(guest, target, { domain = run:domain() })
  chain.check_idle(guest, target, run:watch({ target }, { run.args.path }).disks[target])
  chain.check_fit(guest, disk)
  chain.check_plain(run, disk)
  image.check_new(guest, target, run.args.path)
  if run.options.quiesce then
    freeze.check_quiesce(guest)
  end
  run.destination = core.element("disk", {
    type = "file",
    source = { file = run.args.path },
    driver = { type = run.options.format or disk.element.driver and disk.element.driver.type },
  })
  return { target = target, file = image.at(guest, run.args.path), was = disk.images, quiesce = run.options.quiesce or false }
end

local function make(run)
  image.make(run.guest, run.data.target, run.data.file, run.data.was[1])
end

-- Removes the copy, unless somebody needs it.
local function remove(run)
  local file = run.data.file
  local gone, why = image.remove(run.guest, file)
  if not gone then
    run:leave(file.path, why)
  end
  return gone and "undone: there is no copy" or nil
end

local function copy(run)
  chain.copy(run, chain.device(run, run.data.target), run.destination, run.data.file.path)
  image.confirm(run.data.file)
end

-- Ends the copy. Somebody may have moved the guest to it meanwhile.
local function end_copy(run)
  local data = run.data
  if not run.guest:is_active() then
    return
  end
  local found = chain.find(run.guest, data.target)
  if found and chain.has(found.images, data.file.path) then
    return ("the guest has moved to the copy: disk %s has the images %s; its former image is %s"):format(data.target, chain.text(found.images),
      data.was[1])
  elseif found then
    chain.end_job_to(run.guest, data.target, data.file.path)
  end
end

local function ready(run)
  chain.await(run, chain.device(run, run.data.target), "ready")
end

-- The copy is complete at the moment when its job ends.
local function finish(run)
  local guest, data = run.guest, run.data
  local dog <close> = data.quiesce and watchdog.start(guest) or nil -- luacheck: ignore dog
  local thawed <close> = data.quiesce and undo.guard(function(failure) -- luacheck: ignore thawed
    if not failure then -- the step's undo thaws if it fails
      freeze.thaw_once(guest)
      freezing.record_over(run)
    end
  end) or nil
  if data.quiesce then
    freezing.begin(run)
    freeze.freeze(guest, run.options.freeze_timeout or FREEZE)
  end
  local began = core.now()
  chain.check_job_to(run, data.target, data.file.path)
  core.shield(guest.get_block_device(guest, data.target).abort_job, guest:get_block_device(data.target))
  run.frozen_for = core.now() - began
  run:expect(data.target, { mirror = false, job = false })
end

local function thaw(run)
  if run.data.quiesce and freezing.may_last(run) then
    freeze.thaw_once(run.guest)
  end
end

local function verify(run)
  local guest, data = run.guest, run.data
  run.images = chain.images(guest, data.target, { domain = run:domain() }) -- compared right before
  if chain.text(run.images) ~= chain.text(data.was) then
    run:interfered(("the disk's images are %s, and were %s"):format(chain.text(run.images), chain.text(data.was)))
  end
  image.check_own(guest, data.target, data.file)
  io_error.check(run)
end

local function gone(run)
  run:leave(run.data.file.path, "what there is of the copy")
  return "the guest is gone"
end

steps.define({
  name = NAME,
  help = "Copies a disk of the running guest to a new file, including its backing images, so that the file needs no other. The copy is the "
    .. "disk at one moment, the end of the copy; with quiesce its file systems are frozen then. The guest keeps its disk and its configuration. "
    .. "If a step fails there is no file.",
  fields = {
    { name = "path", type = "string", help = "the file with the copy" },
    { name = "disk", type = "string", help = "the disk's target" },
    { name = "images", type = "string[]", help = "the disk's chain, unchanged, the topmost image first" },
    { name = "frozen_seconds", type = "number?", help = "with quiesce: how long the file systems were frozen" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disk", type = "string", positional = true, required = true, help = "the disk's target, for example \"vda\"" },
    { name = "out_path", type = "string", positional = true, required = true, help = "the file, on the guest's host: an absolute path, which must "
      .. "not be there yet" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems while the copy ends; needs the guest agent" },
    { name = "freeze_timeout", type = "number", help = "seconds that the freeze may take; default 60" },
    { name = "format", type = "string", help = "the file's format, for example \"raw\"; default: that of the disk's image" },
    { name = "shallow", type = "boolean", help = "copy the topmost image only: the file then needs the images below it" },
    chain.PLAIN,
    { name = "timeout", type = "number", help = "seconds for the whole workflow; after that it is taken back" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s that the copy may use" },
    { name = "on_progress", type = "function", help = "called with the copy's get_job_info() every half second" },
  },
  arguments = arguments,
  plan = plan,
  beside = io_error.watch,
  gone = gone,
  { "make", run = make, undo = remove },
  { "copy", run = copy, undo = end_copy, change = true },
  { "ready", run = ready, aside = true }, -- a copy that has failed already is no change by somebody else
  { "finish", run = finish, undo = thaw },
  { "verify", run = verify, checks = true },
  result = function(run)
    return { disk = run.data.target, path = run.data.file.path, images = run.images,
      frozen_seconds = run.data.quiesce and run.frozen_for or nil,
      plain = run.plain }
  end,
})
