-- guestlua backups, verify and prune: what backups there are, whether they are what was saved, and which go.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local guestlua = require("guestlua")
local output = require("guestlua.command.output")
local retry = require("guestlua.workflow.retry")
local rules = require("guestlua.backup.prune")
local stores = require("guestlua.backup.store")

local JSON = { name = "json", help = "print an object a backup" }
local WAIT = { name = "wait", argument = "SECONDS", number = true, help = "until nobody else works in the directory" }

local DIRECTORIES = "DIRECTORY..."

local SPECS = {
  backups = {
    help = "Lists the backups in guests' directories, or in all those below a directory, oldest first.",
    codes = "0; 1, there is a manifest that cannot be used, or a directory that cannot be read; 2, wrong usage.",
    options = { JSON },
  },
  verify = {
    help = "Reads backups, each disk through its whole chain, and compares every block with its checksum. With --boot it sees whether they boot.",
    codes = "0, all is what was saved, and boots; 1, something is not, or does not; 2, wrong usage.",
    options = {
      { name = "at", argument = "BACKUP", help = "its id, or a time: the last one by then; default: the newest" },
      { name = "all", help = "all backups" },
      { name = "encrypt", argument = "FILE", help = "the file with the passphrase of encrypted backups" },
      { name = "boot", help = "start the guest that is in it too, without a network, and throw it away" },
      { name = "run", argument = "COMMAND", help = "a shell command that has to succeed in that guest" },
      { name = "boot-timeout", argument = "SECONDS", number = true, help = "until its agent has to have answered; default: 300" },
      WAIT,
      JSON,
    },
  },
  prune = {
    help = "Removes backups that are not kept. What a kept one needs is merged into it. What a guest or another image has stays.",
    codes = "0; 1, something is left that should go, or was not tried; 2, wrong usage.",
    options = {
      { name = "keep", argument = "RULE", list = true, help = "full=2,increments=6 or daily=7,weekly=4,monthly=12" },
      { name = "compress", argument = "METHOD", choices = { "zstd", "zlib" }, help = "compress the images that are written anew: zstd or zlib" },
      { name = "encrypt", argument = "FILE", help = "the file with the passphrase of encrypted backups: without it they are not merged" },
      { name = "unlock-time", argument = "MS", integer = true, help = "milliseconds that a guess of it takes in new images; default: 2000" },
      WAIT,
      { name = "json", help = "print an object a directory" },
    },
  },
}

for word, spec in pairs(SPECS) do
  spec.word, spec.operands, spec.least = word, DIRECTORIES, 1
end

-- The guests' directories that are meant.
local function expand(directories)
  local list = {}
  for _, directory in ipairs(directories) do
    for _, store in ipairs(stores.below(directory)) do
      list[#list + 1] = store.directory
    end
  end
  return list
end

-- Calls fn for each guest's directory: a failure does not keep the others from it, and is the exit code.
local function each(spec, directories, fn)
  local code = arguments.DONE
  for _, directory in ipairs(expand(directories)) do
    local ok, result = retry.try(fn, directory)
    if not ok and core.Error.is(result, "bad_argument") then
      error(result, 0)
    elseif not ok then
      arguments.report(spec, directory .. ": ", result)
    end
    code = ok and result and code or arguments.FAILED
  end
  return code
end

local function print_backup(one)
  local parts = {}
  for i, disk in ipairs(one.disks) do
    parts[i] = ("%s %s %s"):format(disk.target, disk.level_used, output.bytes(disk.bytes or 0))
  end
  print(core.printable(("%s  %s  %s  %s  %s"):format(one.guest.name, one.id, one.time, one.consistency or "?", table.concat(parts, ", "))))
end

local function list(given, directories)
  return each(SPECS.backups, directories, function(directory)
    local found = guestlua.workflow.backups(directory)
    for _, one in ipairs(found) do
      if given.json then
        output.json(one)
      else
        print_backup(one)
      end
    end
    for _, problem in ipairs(found.problems) do
      arguments.report(SPECS.backups, ("%s/%s.json: "):format(directory, problem.id), problem.problem)
    end
    return #found.problems == 0
  end)
end

local function print_verified(given, directory, results)
  for _, one in ipairs(results) do
    if given.json then
      output.json({ directory = directory, id = one.id, ok = one.ok, read = one.read, boot = one.boot,
        error = one.error and output.failure(nil, one.error).error })
    elseif one.ok then
      print(core.printable(("%s/%s: %s read, all of it is what was saved%s"):format(directory, one.id, output.bytes(one.read),
        one.boot and (", and booted in %.1f s"):format(one.boot.agent_seconds) or "")))
    else
      arguments.report(SPECS.verify, ("%s/%s: "):format(directory, one.id), one.error)
    end
  end
end

local function callback(bar)
  return function(progress)
    if progress.size > 0 then
      bar:update(progress.at, progress.size)
    end
  end
end

local function verify(given, directories)
  if given.run == "" then -- which a shell would succeed with
    arguments.complain(SPECS.verify, "--run=COMMAND expected")
    return arguments.USAGE
  end
  return each(SPECS.verify, directories, function(directory)
    local bar <close> = guestlua.progress("verify " .. directory)
    local ok, results = retry.try(guestlua.workflow.verify, directory, { at = given.at, all = given.all, encrypt = given.encrypt, wait = given.wait,
      boot = given.boot, command = given.run and { "/bin/sh", "-c", given.run }, boot_timeout = given["boot-timeout"],
      on_progress = callback(bar) })
    if not ok and not (core.Error.is(results) and results.results) then
      error(results, 0)
    end
    print_verified(given, directory, ok and results or results.results)
    return ok
  end)
end

local function print_pruned(directory, done)
  for _, id in ipairs(done.pruned) do
    print(core.printable(("%s/%s: removed"):format(directory, id)))
  end
  for _, id in ipairs(done.merged or {}) do
    print(core.printable(("%s/%s: has what was below it"):format(directory, id)))
  end
  for _, path in ipairs(done.foreign or {}) do
    print(core.printable(path .. ": of no backup, and left alone"))
  end
end

local function prune(given, directories)
  if not given.keep then
    arguments.complain(SPECS.prune, "--keep=RULE expected")
    return arguments.USAGE
  end
  local keep = output.counts("prune", given.keep)
  rules.check("prune", keep)
  local host <close> = guestlua.open(given.connect)
  return each(SPECS.prune, directories, function(directory)
    local bar <close> = guestlua.progress("prune " .. directory)
    local done = guestlua.workflow.prune(host, directory, { keep = keep, compress = given.compress,
      encrypt = given.encrypt, unlock_time = given["unlock-time"], wait = given.wait, on_progress = callback(bar) })
    if given.json then
      output.json({ directory = directory, pruned = done.pruned, merged = done.merged, left = done.left, foreign = done.foreign })
    else
      print_pruned(directory, done)
    end
    for _, one in ipairs(done.left or {}) do
      arguments.report(SPECS.prune, "left: ", ("%s (%s)"):format(one.path, one.why))
    end
    return not done.left
  end)
end

local RUNS = { backups = list, verify = verify, prune = prune }

return function(word, ...)
  return arguments.main(SPECS[word], function(given, directories)
    output.check(given.json)
    arguments.make_absolute(given, "encrypt")
    return RUNS[word](given, directories)
  end, ...)
end
