-- Copies disks: qemu-img makes images, qemu-nbd reads and writes them, and core.nbd_copy copies between them. No format is known here.

local core = require("guestlua.core")
local bad = require("guestlua.base.define").bad
local dependents = require("guestlua.disk.dependents")
local encryption = require("guestlua.backup.encryption")
local qemu_img = require("guestlua.disk.qemu_img")

local engine = {}

local TICK = 0.25 -- seconds between two looks at running copies

local function fail(kind, fields)
  fields.kind = kind
  error(core.Error.new(fields), 0)
end

-- Raises if copies cannot be made here.
function engine.check()
  if not core.nbd_copy then
    fail("no_support", { message = "this needs libnbd, and guestlua was built without it",
      hint = "install libnbd-dev and nettle-dev, and build again; backups of running guests in push mode, and restores, do without" })
  end
end

local COMPRESSIONS = { zstd = true, zlib = true }

-- Raises if an argument of that function is no method of compression.
function engine.check_compression(op, method)
  if method and not COMPRESSIONS[method] then
    bad(op, "compress", "\"zstd\" or \"zlib\" expected")
  end
end

-- Adds words to a list of arguments.
local function add(arguments, ...)
  local words = table.pack(...)
  return table.move(words, 1, words.n, #arguments + 1, arguments)
end

-- QEMU compresses whole clusters, and writes no compressed image that ends within one. So it is made as large as its clusters, and gets its size
-- when all is in it.
local CLUSTER, SECTOR = 1 << 16, 512

local function rounded(size, unit)
  return (size + unit - 1) // unit * unit
end

-- Makes an image of so many bytes in a file that image.make has made, or, if it is to be compressed, of whole clusters: see engine.complete.
-- options.backing: the name of the image below, relative to it. key: see encryption.
function engine.create(file, format, size, options)
  options = options or {}
  local arguments = { "create", "-q", "-f", format }
  if options.compress then
    add(arguments, "-o", "compression_type=" .. options.compress)
  end
  if options.key then
    add(arguments, "-u", table.unpack(encryption.create_arguments(options.key))) -- without a look at the image below, which it has no key for
  end
  if options.backing then
    add(arguments, "-b", options.backing, "-F", "qcow2")
  end
  add(arguments, file.path, tostring(options.compress and rounded(size, CLUSTER) or size))
  if encryption.measured(qemu_img.run, arguments, file.path:match("^(.*)/")) then
    local now = core.find_image(file.path) -- another file: QEMU removes that of an image that it fails to make
    file.dev, file.ino, file.born = now.dev, now.ino, now.born
  end
end

-- Gives an image that engine.create has made its size, once all is in it.
function engine.complete(path, size, compress)
  if compress and size % CLUSTER ~= 0 then
    qemu_img.run({ "resize", "-q", "-f", "qcow2", "--shrink", path, tostring(size) })
  end
end

-- Escapes a name for QEMU's lists of options.
local function escaped(path)
  return (path:gsub(",", ",,"))
end

-- qemu-nbd's messages go to a file, because nobody reads its standard error. It ends with this process, even if that is killed before it has
-- connected: it would wait for that for ever, and have the image open.
local PROGRAM = [[exec 2>"$0"; exec setpriv --pdeathsig KILL sh -c '[ $PPID = "$0" ] && exec qemu-nbd "$@"' "$@"]]

local function program(errors, key, arguments)
  return { "sh", "-c", PROGRAM, errors, tostring(core.process()),
    table.unpack(add(encryption.object(key), table.unpack(arguments))) }
end

-- The options that give each image of a chain the key. Their number is that of the headers: a merge that was ended has made the chain shorter than
-- the manifest says, and QEMU opens none with a key too many.
local function unlocking(path, key)
  return key and encryption.options(key, #dependents.chain(path)) or ""
end

-- An image with those below it, as QEMU's options.
local function image_options(path, format, key)
  return ("driver=%s,file.driver=file,file.filename=%s%s"):format(format, escaped(path), unlocking(path, key))
end

-- The two sides of a copy: one reads an image with its backing images, the other writes one, which has been created. key: that of the image and of
-- those below it; nil: they are not encrypted. size: that of what is compressed.
function engine.reader(path, format, errors, key)
  return program(errors, key, { "--read-only", "--image-opts", image_options(path, format, key) })
end

function engine.writer(path, format, errors, options)
  options = options or {}
  local file, size = ("driver=file,filename=%s"):format(escaped(path)), options.size
  local image = ("driver=%s,%s%s"):format(format, (file:gsub("(%w+=)", "file.%1")), unlocking(path, options.key))
  if options.compress and size % CLUSTER ~= 0 then
    image = ("driver=raw,size=%d,file.driver=compress,file.file.driver=%s,%s"):format(rounded(size, SECTOR), format,
      (file:gsub("(%w+=)", "file.file.file.%1")))
  elseif options.compress then
    image = ("driver=compress,file.driver=%s,%s"):format(format, (file:gsub("(%w+=)", "file.file.%1")))
  end
  return program(errors, options.key, { "--discard=unmap", "--image-opts", image })
end

-- Writes what a backup's image and those below it have into another image, without a comparison, within the time of core.within. from: a path, or
-- the URI of a server.
function engine.convert(from, to, format, key)
  local arguments = add({ "convert", "-q" }, table.unpack(encryption.object(key)))
  if from:sub(1, 1) == "/" then
    add(arguments, "--image-opts", "-O", format, image_options(from, "qcow2", key), to)
  else
    add(arguments, "-f", "raw", "-O", format, from, to)
  end
  qemu_img.run(arguments, nil, qemu_img.time_left())
end

-- ---- copies ----

-- Adds the server or the full file system, and qemu-nbd's messages, to the error of a copy.
local function explain(e, copy)
  local place = copy.server or e.kind == "no_space" and copy.place
  e.message = place and ("%s (%s)"):format(e.message, core.printable(place)) or e.message
  for _, path in ipairs(copy.errors or {}) do
    local file <close> = io.open(path)
    local text = file and file:read(1000)
    if text and text ~= "" then
      e.message = ("%s: %s"):format(e.message, core.printable((text:gsub("%s+$", ""):gsub("%s*\n%s*", "; "))))
    end
  end
  e.device, e.device_type = copy.target, "disk"
  return e
end

local function remove_errors(copy)
  for _, path in ipairs(copy.errors or {}) do
    os.remove(path)
  end
end

-- The progress of all copies together; finished ones count in full.
local function progress_of(jobs)
  local sum = { size = 0, at = 0, read = 0, written = 0 }
  for _, job in ipairs(jobs) do
    local one = job:progress()
    for key in pairs(sum) do
      sum[key] = sum[key] + one[key]
    end
  end
  return sum
end

local closes = {
  __close = function(jobs)
    for _, job in ipairs(jobs) do
      job:close()
    end
    for _, copy in ipairs(jobs.copies) do
      remove_errors(copy)
    end
  end,
}

-- Raises if the time for the copies is over: they are no calls of libvirt's, which core.within would end.
local function check_time(jobs)
  local ends = core.calls_end()
  if ends and core.now() >= ends then
    local progress = progress_of(jobs)
    fail("timeout", { message = ("the copy was not over in time: it was at %d of %d bytes"):format(progress.at, progress.size),
      hint = "more time, timeout=…; what was copied is removed" })
  end
end

-- Makes copies, all at once, within the time of core.within: each has core.nbd_copy's arguments, with target, errors: files with qemu-nbd's
-- messages, place: the path of the image that is written, and server: the URI of a side that is somebody else's. watch: called often meanwhile, with
-- the progress; an error in it ends them all. Returns their results, in order, and how large each disk is.
function engine.copy(copies, watch)
  local jobs <close> = setmetatable({ copies = copies }, closes)
  for i, copy in ipairs(copies) do
    jobs[i] = core.nbd_copy(copy)
  end
  local results, left = {}, #jobs
  while left > 0 do
    for i, job in ipairs(jobs) do
      if not results[i] and job:wait(TICK / #jobs) then
        local ok, result = pcall(job.result, job)
        if not ok then
          error(explain(result, copies[i]), 0)
        end
        result.size = job:progress().size
        results[i], left = result, left - 1
      end
    end
    if watch then
      watch(progress_of(jobs))
    end
    if left > 0 then
      check_time(jobs)
    end
  end
  return results
end

return engine
