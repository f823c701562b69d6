-- Encrypted backups: their images are qcow2 with LUKS, which qemu-img opens with the passphrase alone. It reaches QEMU's programs in a file in
-- memory, so that it is in no argument, log, manifest or file system, however this process ends.

local bad = require("guestlua.base.define").bad
local core = require("guestlua.core")
local qemu_img = require("guestlua.disk.qemu_img")

local encryption = {}

-- The words for it in manifests.
encryption.FORMAT = "luks"

-- Increments over one full backup: each image of a chain is unlocked by itself.
encryption.MOST_INCREMENTS = 100

-- Bytes of a passphrase: QEMU reads no more than its buffer for one.
local LONGEST = 1 << 16

-- How often QEMU may fail to measure how fast this machine is.
local TRIES = 50

encryption.PARAM = { name = "encrypt", type = "function or string or Secret",
  help = "the passphrase: a function that returns it, the path of a file with it and nothing else, or a libvirt Secret" }

encryption.TIME = { name = "unlock_time", type = "integer", help = "milliseconds of the processor that unlocking an image takes, and each guess of a "
  .. "passphrase; a chain is unlocked image by image; default: 2000, as QEMU's; a long random passphrase is as safe with 10" }

-- Refuses a passphrase that cannot be one, before anything is begun.
function encryption.check(op, options)
  if type(options.encrypt) == "string" and options.encrypt:sub(1, 1) ~= "/" then
    bad(op, "encrypt", "the absolute path of a file expected, or a function, or a Secret")
  elseif options.unlock_time and options.unlock_time < 1 then
    bad(op, "unlock_time", "1 or more milliseconds expected")
  elseif options.unlock_time and not options.encrypt then
    bad(op, "unlock_time", "encrypt expected with it")
  elseif options.compress and options.encrypt then
    bad(op, "compress", "QEMU does not encrypt what it compresses: either compress or encrypt")
  end
end

local function read(op, option)
  if type(option) == "function" then
    return option()
  elseif type(option) == "userdata" then
    return option:get_value()
  end
  local file <close>, why = io.open(option, "rb")
  local text = file and file:read(LONGEST + 1) or file and ""
  if not text then
    bad(op, "encrypt", core.printable(why))
  end
  return text
end

-- QEMU takes text only: the end of a C string would be the end of a passphrase with a NUL byte.
local function check_passphrase(op, text)
  if type(text) ~= "string" or text == "" or #text > LONGEST or text:find("\0", 1, true) or not utf8.len(text) then
    bad(op, "encrypt", "a passphrase in UTF-8 expected, as QEMU takes no other bytes: make a random one with `openssl rand -base64 32`")
  end
end

local closes = { __close = function(key) key.file:close() end }

-- The key that the functions below and the engine take, to be closed; nil: there is no such option.
function encryption.open(op, options)
  if options.encrypt == nil or core.dry_run() then -- which starts no program
    return nil
  end
  local text = read(op, options.encrypt)
  check_passphrase(op, text)
  core.secret(text)
  return setmetatable({ file = core.secret_file(text), time = options.unlock_time }, closes)
end

-- The key of a run, as long as that goes on.
function encryption.hold(run)
  run.key = encryption.open(run.workflow, run.options)
  run:hold(run.key)
end

-- Arguments of QEMU's programs that give them the key.
function encryption.object(key)
  return key and { "--object", "secret,id=key,file=" .. key.file:path() } or {}
end

-- Options of a chain of so many images, all with that key; "": no key.
function encryption.options(key, images)
  local options = {}
  for i = 1, key and images or 0 do
    options[i] = (",%sencrypt.key-secret=key"):format(("backing."):rep(i - 1))
  end
  return table.concat(options)
end

-- Arguments of `qemu-img create`.
function encryption.create_arguments(key)
  local options = "encrypt.format=luks,encrypt.key-secret=key" .. (key.time and ",encrypt.iter-time=" .. key.time or "")
  local object = encryption.object(key)
  return { object[1], object[2], "-o", options }
end

-- Calls fn(…), which makes an image, perhaps an encrypted one. QEMU measures in ticks of the clock how fast it derives keys, and fails if
-- that takes none. Returns whether it was called more than once.
function encryption.measured(fn, ...)
  local ok, e, tries
  for i = 1, TRIES do
    ok, e = pcall(fn, ...)
    tries = i
    if ok or not core.Error.is(e) or not e.message:find("accurate CPU usage", 1, true) then
      break
    end
  end
  if not ok then
    error(e, 0)
  end
  return tries > 1
end

-- Raises if the key does not open an image, of which only the header is read. Its name has no characters that JSON escapes.
function encryption.unlock(key, directory, name, target)
  local image = ('json:{"driver":"qcow2","backing":null,"encrypt.key-secret":"key","file.filename":"%s"}'):format(name)
  local object = encryption.object(key)
  local ok, e = pcall(qemu_img.run, { "snapshot", "-l", object[1], object[2], image }, directory)
  if ok then
    return
  elseif core.Error.is(e) and e.message:find("Invalid password", 1, true) then
    e = core.Error.new({ kind = "auth_failed", device = target, device_type = "disk",
      message = ("the passphrase does not open %s/%s"):format(directory, name) })
  end
  error(e, 0)
end

-- Refuses a key that is not that of the images below the run's increments: they could not be read together.
function encryption.check_below(run)
  for _, disk in ipairs(run.disks) do
    if run.key and disk.since then
      encryption.unlock(run.key, run.store.directory, disk.since.chain[1].file, disk.target)
    end
  end
end

-- Raises if a backup is encrypted and the key is missing or not the right one.
function encryption.check_key(op, manifest, key)
  if not manifest.encryption or core.dry_run() then
    return
  elseif not key then
    bad(op, "encrypt", ("the backup %s is encrypted: its passphrase expected"):format(manifest.id))
  end
  for _, disk in ipairs(manifest.disks) do
    encryption.unlock(key, manifest.directory, disk.chain[1].file, disk.target)
  end
end

return encryption
