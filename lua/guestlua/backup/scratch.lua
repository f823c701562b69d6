-- Scratch files: they get the old contents of blocks that the guest overwrites while its disks are read, and need room as long as that takes.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local chain = require("guestlua.workflow.chain")
local image = require("guestlua.disk.image")

local scratch = {}

-- Bytes that stay free, by default.
local RESERVE = 256 << 20

-- Refuses a directory that is not there, in which QEMU could make no file.
function scratch.check(run)
  local directory = run.options.scratch
  if directory and image.is_local(run.guest) and not core.identify(directory .. "/.") then
    bad(run.workflow, "scratch", "a directory expected, and there is none of that name")
  end
end

-- Where a disk's scratch file goes: beside its image, or where the option says. Nothing overwrites the disks of a guest that is off.
function scratch.place(run, disk)
  local beside = run.options.scratch and run.options.scratch .. "/scratch" or disk.type == "file" and disk.source
  if not beside and not run.off then
    chain.fail("argument_unsupported", run.guest, disk.target, { message = "the disk is no file, beside which scratch space could be",
      hint = "scratch=DIRECTORY says where it is" })
  end
  disk.scratch = not run.off and image.beside(run.guest, beside, run.id, disk.target) or nil
end

-- Refuses to begin, or to go on, if there is no room for the guest's writes meanwhile.
function scratch.check_room(run)
  local reserve = run.options.reserve or RESERVE
  for _, disk in ipairs(run.disks) do
    local directory = disk.scratch and disk.scratch.path:match("^(.*)/")
    local free = directory and core.free_space(directory)
    if free and free < reserve then
      run:fail("no_space", { device = disk.target, device_type = "disk",
        message = ("%s has %d bytes left, and %d have to stay free while the guest goes on writing"):format(directory, free, reserve),
        hint = "scratch=DIRECTORY takes another file system, reserve=BYTES less of this one" })
    end
  end
end

return scratch
