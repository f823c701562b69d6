-- guestlua spec/support/check.lua JOBS [OPTION…] PATH…: runs each file of specs in a guestlua of its own (see busted.lua), so many at once, those
-- that take longest first. Prints what files say of which a spec failed or was skipped, the slowest specs, those in real/ apart, and
-- `N passed, N failed, N skipped`.
--
-- A file has a directory of its own, which is TMPDIR there, and as /tmp is for all users, as swtpm's: when it is over, what is left in it is
-- removed, and what still runs there is ended. Nothing else that it leaves is waited for: its output goes to a file, as a pipe is open for as long
-- as anybody has it.

local LIMIT = arg[-1]:find("/[at]san/") and 1500 or 900 -- seconds for one file
local KILLED = 128 + 9 -- timeout's exit code then
local SLOWEST = 10

-- Those that take longest, so that none of them begins when the others are over. The first waits five minutes, and works little.
local LONG = {}
for place, name in ipairs({
  "real/bounds", "real/snapshot_faults", "real/foreign_changes", "real/ansible_hosts", "real/states", "real/workflow_recover", "real/backup_kills",
  "real/snapshots", "real/backup_faults", "real/workflow_faults", "real/backup", "real/power", "real/backup_merge", "real/foreign_power",
  "real/live_migrate_others", "real/encrypted_backup", "real/backup_lifetime", "sandbox/process", "real/backup_boot", "real/recipes",
  "real/foreign_recover", "real/live_migrate", "project/install", "real/backup_firmware", "real/backup_server", "real/virsh", "real/signals",
  "real/backup_many", "real/backup_push", "regress/device_of_others", "real/plan", "real/clone", "real/guest_devices", "real/no_space",
  "real/backup_tpm", "regress/others_in_between", "sandbox/sandbox", "project/ansible", "real/objects", "module/embed", "regress/new_guest_used",
  "real/watchdog", "real/readme", "host/fleet_daemons", "real/backup_nbd_kills", "regress/foreign_migration", "real/lines", "real/migration",
  "real/backup_source", "regress/interface_of_network", "real/drain", "real/workflow_snapshot", "real/suspend", "real/dry_run", "real/faults",
  "real/detach", "real/workflow_device", "project/ansible_inventory", "real/console", "regress/workflows_among_others", "real/encrypted",
  "real/repl", "call/bad_input", "sandbox/costs", "project/documentation",
}) do
  LONG[("spec/%s_spec.lua"):format(name)] = place
end

local jobs = assert(math.tointeger(table.remove(arg, 1)), "JOBS: a number expected")
local options, paths = {}, {}
for _, word in ipairs(arg) do
  table.insert(word:find("^%-") and options or paths, word)
end

local function output_of(program, ...)
  local code, output, errors = guestlua.run(program, { args = { ... } })
  if code ~= 0 then
    error(errors, 0)
  end
  return output
end

local files = {}
for file in output_of("find", table.unpack(paths)):gmatch("[^\n]+_spec%.lua") do
  files[#files + 1] = file
end
table.sort(files, function(a, b)
  local first, second = LONG[a] or math.huge, LONG[b] or math.huge
  return first < second or first == second and a < b
end)
if #files == 1 then -- one can look on
  return dofile("spec/support/busted.lua")
end

-- Ends what runs in a directory, and removes it. The bracket keeps the shell from finding itself.
local SWEEP = 'for _ in $(seq 50); do kill -KILL $(pgrep -f "[/]${1#/}/") 2>/dev/null || break; sleep 0.1; done; rm -rf "$1"'

local root = output_of("mktemp", "-d", "-t", "s.XXXXXX"):gsub("\n", "")
assert(os.execute("chmod 755 " .. root)) -- emulators of another user have access
local remove <close> = setmetatable({}, { -- luacheck: ignore remove
  __close = function()
    os.execute(("set -- %s; %s"):format(root, SWEEP))
  end,
})

local counts = { passed = 0, failed = 0, skipped = 0 }
local failures, slowest = {}, { real = {}, other = {} }

local function fail(message)
  counts.failed = counts.failed + 1
  failures[#failures + 1] = "FAILED  " .. message
end

-- Adds up what the report of a file says, by its last lines (see report.lua). Returns how many specs of it passed, failed and were skipped, if it got
-- as far as that, and what else was printed.
local function read(output)
  local of_file, rest = nil, {}
  for line in output:gmatch("[^\n]*\n?") do
    local seconds, name = line:match("^ *(%d+%.%d) s  (spec/.*)\n$")
    local passed, failed, skipped = line:match("^(%d+) passed, (%d+) failed, (%d+) skipped\n$")
    if passed then
      of_file = { passed = tonumber(passed), failed = tonumber(failed), skipped = tonumber(skipped) }
    elseif seconds then
      local list = slowest[name:find("^spec/real/") and "real" or "other"]
      list[#list + 1] = { seconds = tonumber(seconds), line = line }
    elseif line:find("^FAILED  ") then
      failures[#failures + 1] = line:gsub("\n$", "")
    elseif line ~= "The slowest:\n" then
      rest[#rest + 1] = line
    end
  end
  return of_file, table.concat(rest)
end

-- What the shell does in a file's own directory. If the time is over, guestlua first reports what each of its tasks waits for.
local COMMAND = [[mkdir -m 1777 "$TMPDIR" && exec timeout --foreground -s USR1 -k %d %d "$@" >"$TMPDIR/output" 2>&1]]
local LOOK = 30 -- seconds for that, and for a look at what runs beside it

local function contents(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

-- A task that waits until the time is over, and looks then; its result is what there is to see.
local function look(directory)
  return guestlua.spawn(function()
    guestlua.sleep(LIMIT + LOOK / 6)
    local _, seen = guestlua.run("spec/support/why", { args = { directory }, timeout = LOOK / 2 })
    return seen
  end)
end

-- Runs a file: how it ended, what it printed, and whether it ended well.
local function run(file, directory)
  local args = { "-c", COMMAND:format(LOOK, LIMIT), "sh", arg[-1], "spec/support/busted.lua", file }
  table.move(options, 1, #options, #args + 1, args)
  local running, looking = directory .. "/running", look(directory)
  local code = guestlua.run("sh", { args = args, env = { TMPDIR = directory, XDG_STATE_HOME = directory .. "/state", RUNNING = running } })
  local output, name = contents(directory .. "/output") or "", contents(running)
  if code ~= KILLED then
    looking:cancel()
  end
  local _, seen = pcall(looking.wait, looking)
  pcall(guestlua.run, "sh", { args = { "-c", SWEEP, "sh", directory }, timeout = 60 })
  if code == KILLED then
    return ("not over after %d s: %s\n%s\n%s"):format(LIMIT, name or "before its first spec", output:sub(-3000), seen), ""
  end
  return ("exit code %d"):format(code), output, code == 0
end

io.stdout:setvbuf("line")
local began = guestlua.now()
guestlua.map(files, function(file, i)
  local own = guestlua.now()
  local ended, output, well = run(file, ("%s/%d"):format(root, i)) -- short: sockets are below it
  local of_file, rest = read(output)
  for what, count in pairs(of_file or {}) do
    counts[what] = counts[what] + count
  end
  if not well and not (of_file and of_file.failed > 0) then
    fail(("%s: %s"):format(file, ended))
  end
  local said = of_file and ("%d passed, %d failed, %d skipped"):format(of_file.passed, of_file.failed, of_file.skipped) or ended:match("[^\n]*")
  print(("%6.1f s  %s: %s"):format(guestlua.now() - own, file, said))
  if not well or of_file.skipped > 0 then
    print(rest)
  end
end, { limit = jobs })

print(("%d files, %d at once: %.0f s"):format(#files, jobs, guestlua.now() - began))
for _, where in ipairs({ "other", "real" }) do
  local list = slowest[where]
  table.sort(list, function(a, b)
    return a.seconds > b.seconds
  end)
  print(where == "real" and "The slowest in spec/real:" or "The slowest:")
  for i = 1, math.min(#list, SLOWEST) do
    io.write(list[i].line)
  end
end
for _, line in ipairs(failures) do
  print(line)
end
print(("%d passed, %d failed, %d skipped"):format(counts.passed, counts.failed, counts.skipped))
if counts.failed > 0 then
  error("specs failed", 0)
end
