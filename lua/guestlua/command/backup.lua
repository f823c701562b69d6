-- guestlua backup and guestlua restore: the workflows from the command line, for one guest or many.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local guestlua = require("guestlua")
local output = require("guestlua.command.output")
local prune = require("guestlua.backup.prune")
local retry = require("guestlua.workflow.retry")
local server = require("guestlua.backup.server")
local stores = require("guestlua.backup.store")

local AT_A_TIME = 2 -- guests that are saved beside each other by default
local MOST_MIB = math.maxinteger >> 20

local BACKUP = {
  word = "backup",
  operands = "GUEST...",
  least = 1,
  instead = "all",
  help = "Saves the disks of guests as they are at one moment: all of them, or what changed since the last backup in that directory.",
  codes = "0, all are saved; 1, one is not, or with a warning; 2, wrong usage.",
  options = {
    { name = "to", argument = "DIR", help = "each guest's backups are in a directory of its name in there; or an NBD server" },
    { name = "manifest", argument = "DIR", help = "for all but the disks, if --to is an NBD server" },
    { name = "mode", argument = "MODE", choices = { "pull", "push" }, help = "pull, or push: QEMU writes the images itself; default: pull" },
    { name = "all", help = "all guests of the host" },
    { name = "level", argument = "LEVEL", choices = { "auto", "full", "incremental" },
      help = "auto, full or incremental; default: auto, what changed if that is known" },
    { name = "disk", argument = "TARGET", list = true, help = "only these disks, as in vda,vdb" },
    { name = "exclude", argument = "TARGET", list = true, help = "all disks but these" },
    { name = "freeze", argument = "WHETHER", choices = { "auto", "yes", "no" },
      help = "auto, yes or no: freeze file systems; default: auto, if the agent answers" },
    { name = "freeze-timeout", argument = "SECONDS", number = true, help = "how long the freeze may take; default: 60" },
    { name = "compress", argument = "METHOD", choices = { "zstd", "zlib" }, help = "compress the images: zstd or zlib" },
    { name = "encrypt", argument = "FILE", help = "encrypt the images, with the passphrase in that file" },
    { name = "unlock-time", argument = "MS", integer = true, help = "milliseconds that a guess of it takes; default: 2000" },
    { name = "keep", argument = "RULE", list = true, help = "full=2,increments=6 or daily=7,weekly=4,monthly=12; default: keep all" },
    { name = "verify", help = "read back what was written before it counts" },
    { name = "boot", help = "--verify, and start the guest from the backup, as verify --boot does, before older ones go" },
    { name = "plain", help = "also disks that are encrypted: what is saved is what the guest sees, in the clear" },
    { name = "bandwidth", argument = "MIB", integer = true, most = MOST_MIB, help = "MiB/s that may be read of a guest" },
    { name = "scratch", argument = "DIR", help = "for what the guest overwrites meanwhile; default: beside the image" },
    { name = "reserve", argument = "MIB", integer = true, most = MOST_MIB, help = "MiB that stay free there; default: 256" },
    { name = "jobs", argument = "COUNT", integer = true, help = "so many guests at a time; default: 2" },
    { name = "per-target", argument = "COUNT", integer = true, help = "wait until fewer than so many go to that directory, from all machines" },
    { name = "per-host", argument = "COUNT", integer = true, help = "wait until fewer than so many go on on this machine" },
    { name = "timeout", argument = "SECONDS", number = true, help = "for each guest; what is under way then is taken back" },
    { name = "wait", argument = "SECONDS", number = true, help = "until another run on the guest or in the directory is over" },
    { name = "json", help = "print an object a guest" },
  },
}

local RESTORE = {
  word = "restore",
  operands = "DIRECTORY",
  least = 1,
  most = 1,
  help = "Makes a guest of a backup in a guest's directory: its disks in new files, and its configuration. Nothing that is there is changed.",
  codes = "0, it is restored; 1, it is not, and nothing is left of it; 2, wrong usage.",
  options = {
    { name = "at", argument = "BACKUP", help = "its id, or a time: the last one by then; default: the newest" },
    { name = "name", argument = "NAME", help = "another guest of that name; default: the same guest" },
    { name = "to", argument = "DIR", help = "a directory for the disks' files; default: where they were" },
    { name = "encrypt", argument = "FILE", help = "the file with the passphrase of an encrypted backup" },
    { name = "start", help = "start it" },
    { name = "timeout", argument = "SECONDS", number = true, help = "what is under way then is taken back" },
    { name = "wait", argument = "SECONDS", number = true, help = "until nobody else works in the directory" },
    { name = "json", help = "print an object" },
  },
}

local FREEZES = { yes = true, no = false }

-- The options of workflow.backup.
local function backup_options(given, on_progress)
  return {
    to = given.to,
    manifest = given.manifest,
    mode = given.mode,
    level = given.level,
    disks = given.disk,
    exclude = given.exclude,
    quiesce = FREEZES[given.freeze],
    freeze_timeout = given["freeze-timeout"],
    compress = given.compress,
    encrypt = given.encrypt,
    unlock_time = given["unlock-time"],
    keep = given.keep,
    verify = given.boot and "boot" or given.verify,
    plain = given.plain,
    bandwidth = given.bandwidth,
    scratch = given.scratch,
    reserve = given.reserve and given.reserve << 20,
    timeout = given.timeout,
    wait = given.wait,
    per_target = given["per-target"],
    per_host = given["per-host"],
    on_progress = on_progress,
  }
end

local function report_backup(done)
  print(core.printable(("%s: %s backup %s in %s, %s, %.1f s"):format(done.guest, done.level_used, done.id, done.directory,
    done.frozen_seconds and ("frozen for %.2f s"):format(done.frozen_seconds) or done.consistency, done.seconds)))
  for _, disk in ipairs(done.disks) do
    local size = disk.written and (", %s written"):format(output.bytes(disk.written)) or ""
    print(core.printable(("  %s: %s%s%s"):format(disk.target, disk.level_used, size, disk.because and ": " .. disk.because or "")))
  end
  for _, disk in ipairs(done.left_out) do
    print(core.printable(("  %s: left out: %s"):format(disk.target, disk.why)))
  end
  for _, target in ipairs(done.plain or {}) do
    print(core.printable(("  %s: stored unencrypted"):format(target)))
  end
  for _, what in ipairs(done.lacks or {}) do
    print("  lacks " .. what)
  end
  for _, id in ipairs(done.pruned or {}) do
    print(core.printable("  removed: " .. id))
  end
  for _, id in ipairs(done.merged or {}) do
    print(core.printable("  merged into: " .. id))
  end
  for _, warning in ipairs(done.warnings or {}) do
    arguments.report(BACKUP, ("%s: warning: "):format(done.guest), warning)
  end
end

local function with_progress(label, fn)
  local bar <close> = guestlua.progress(label)
  return fn(function(progress)
    if progress.size > 0 then
      bar:update(progress.at, progress.size)
    end
  end)
end

local function save_one(host, name, given)
  local guest <close> = host:guest(name, { required = true })
  return with_progress("backup " .. name, function(on_progress)
    return guestlua.workflow.backup(guest, backup_options(given, on_progress))
  end)
end

-- Returns the exit code. A guest that cannot be saved does not keep the others from it.
local function save(host, name, given)
  local ok, result = pcall(save_one, host, name, given)
  if not ok and retry.stops(result) then
    if result.outcome then -- of which the error that ends the program says nothing
      arguments.report(BACKUP, name .. ": ", result)
    end
    error(result, 0)
  end
  if given.json then
    output.json(ok and result or output.failure(name, result))
  elseif ok then
    report_backup(result)
  else
    arguments.report(BACKUP, name .. ": ", result)
  end
  return not ok and arguments.code_of(result) or result.warnings and arguments.FAILED or arguments.DONE
end

local function names_of(host)
  local names = {}
  for i, guest in ipairs(host:guests()) do
    names[i] = guest.name
    guest:close()
  end
  return names
end

-- What is wrong with the guests' names and the target; nil: nothing.
local function problem_of(given, names)
  local seen = {}
  for _, name in ipairs(names) do
    if seen[name] then
      return ("'%s' is there twice"):format(name)
    end
    seen[name] = true
  end
  if not given.to then
    return "--to=DIR expected"
  elseif given.all and #names > 0 then
    return "either --all or names of guests"
  elseif server.is_one(given.to) and (given.all or #names > 1) and not given.to:find("{guest}", 1, true) then
    return "{guest} expected in --to, or the guests would be written over each other"
  end
end

local function backup(given, names)
  local problem = problem_of(given, names)
  if problem then
    arguments.complain(BACKUP, "%s", problem)
    return arguments.USAGE
  end
  arguments.make_absolute(given, "to", "manifest", "scratch", "encrypt")
  if given.keep then
    given.keep = output.counts(BACKUP.word, given.keep)
    prune.check(BACKUP.word, given.keep)
  end
  output.check(given.json)
  local host <close> = guestlua.open(given.connect)
  local codes = guestlua.map(given.all and names_of(host) or names, function(name)
    return save(host, name, given)
  end, { limit = math.max(given.jobs or AT_A_TIME, 1) })
  return math.max(arguments.DONE, table.unpack(codes))
end

local function restore(given, operands)
  arguments.make_absolute(given, "to", "encrypt")
  output.check(given.json)
  stores.at(operands[1]):check_any()
  local host <close> = guestlua.open(given.connect)
  local done = with_progress("restore " .. operands[1]:match("[^/]*/*$"), function(on_progress)
    return guestlua.workflow.restore(host, { from = operands[1], at = given.at, name = given.name, to = given.to, start = given.start,
      encrypt = given.encrypt, timeout = given.timeout, wait = given.wait, on_progress = on_progress })
  end)
  if given.json then
    output.json(done)
    return arguments.DONE
  end
  print(core.printable(("%s: restored from %s, %.1f s"):format(done.guest, done.backup, done.seconds)))
  for _, file in ipairs(done.files) do
    print(core.printable(("  %s: %s"):format(file.target, file.path)))
  end
  if done.unchecked then
    print("  nothing was compared: there are no checksums, or no libnbd")
  end
  for _, target in ipairs(done.dropped or {}) do
    print(core.printable(("  %s: not in the backup, %s"):format(target, target == "tpm" and "and empty" or "and not in the guest")))
  end
  return arguments.DONE
end

return function(word, ...)
  return arguments.main(word == "backup" and BACKUP or RESTORE, word == "backup" and backup or restore, ...)
end
