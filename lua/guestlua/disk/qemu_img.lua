-- qemu-img, for images that no QEMU has open. It makes images in files that are there already, and empty: see image.make.

local core = require("guestlua.core")
local run = require("guestlua.host.run").run

local qemu_img = {}

-- Runs it in that directory, for so many seconds at most; raises its complaints.
function qemu_img.run(arguments, directory, timeout)
  local script = 'umask 077; exec qemu-img "$@"'
  local code, _, errors = run("sh", { args = { "-c", script, "sh", table.unpack(arguments) }, cwd = directory, timeout = timeout })
  if code ~= 0 then
    local full = errors:find("No space left on device", 1, true) or errors:find("Disk quota exceeded", 1, true)
    error(core.Error.new({
      kind = code == 127 and "missing_program" or full and "no_space" or "system_error",
      message = "qemu-img: " .. core.printable((errors:gsub("%s+$", ""))),
      hint = code == 127 and "install it: Debian has it in qemu-utils" or nil,
    }), 0)
  end
end

-- Raises if it is not there, before anything is begun that needs it.
function qemu_img.check()
  if not core.dry_run() then -- which starts no program
    qemu_img.run({ "--version" })
  end
end

-- A qcow2 on top of a base, as large as that is.
function qemu_img.overlay(path, base, format)
  qemu_img.run({ "create", "-q", "-f", "qcow2", "-b", base, "-F", format, path })
  core.sync_file(path)
end

-- The seconds that are left of the time of core.within; nil: no limit.
function qemu_img.time_left()
  local ends = core.calls_end()
  return ends and math.max(ends - core.now(), 0.01)
end

-- Writes all that a guest sees of an image, of those below it too, into a file, within the time of core.within.
function qemu_img.copy(from, from_format, path, format)
  qemu_img.run({ "convert", "-q", "-f", from_format, "-O", format, from, path }, nil, qemu_img.time_left())
  core.sync_file(path)
end

-- Writes what a qcow2 has into the image that it is based on. It stays as it is, so that this can be done again, whatever became of the first try.
function qemu_img.commit(path)
  qemu_img.run({ "commit", "-q", "-d", "-f", "qcow2", path })
end

-- Names another base for a qcow2, with the same content.
function qemu_img.rebase(path, base, format)
  qemu_img.run({ "rebase", "-q", "-u", "-f", "qcow2", "-b", base, "-F", format, path })
end

return qemu_img
