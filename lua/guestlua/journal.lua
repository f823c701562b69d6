-- The journal: what a workflow is about to do that it would have to take back, in one small file a run, on the disk before it is done. A run that
-- ends removes its file. What a killed one left, guestlua.recover finds and finishes or takes back.

local core = require("guestlua.core")
local define = require("guestlua.define")
local json_for = require("guestlua.json")

local journal = {
  recoverers = {}, -- by the workflow's name: function(host, guest, entry), which gives what it did; guest is nil where it is gone
}

local FORMAT = 1 -- of an entry; others are left alone

local directory -- as guestlua.journal set it
local runs = 0 -- of this process

local function default_directory()
  local state = os.getenv("XDG_STATE_HOME") or (os.getenv("HOME") or "") .. "/.local/state"
  return state .. "/guestlua/journal"
end

local function read(path)
  local file = io.open(path)
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text
end

-- A process is known by its number and when it started, and the boot that this is counted from.
local function started(pid)
  local stat = read(("/proc/%d/stat"):format(pid))
  local n = 0
  for field in (stat and stat:match(".*%)(.*)") or ""):gmatch("%S+") do
    n = n + 1
    if n == 20 then
      return tonumber(field)
    end
  end
end

local function boot()
  return (read("/proc/sys/kernel/random/boot_id") or ""):gsub("%s", "")
end

local function this_process()
  local pid = tonumber(read("/proc/self/stat"):match("^%d+"))
  return { pid = pid, started = started(pid), boot = boot() }
end

local function lives(owner)
  return not owner.ended and owner.boot == boot() and started(owner.pid) == owner.started
end

define(journal, "guestlua", {
  name = "journal",
  help = "Where workflows keep their journal: guestlua.journal{dir=…}. Before the first workflow; the same directory for whoever recovers. Its files "
    .. "are for this user only: what is needed to define a guest again is in them as it is, with its secrets.",
  returns = "string: the directory",
  params = { { name = "dir", type = "string", help = "a directory, made where it is missing; at first $XDG_STATE_HOME/guestlua/journal" } },
  run = function(options)
    if options.dir == "" then
      define.bad("journal", "dir", "cannot be empty")
    end
    directory = options.dir or directory
    return directory or default_directory()
  end,
})

-- Begins the entry of a run. entry:write{…} adds to it, entry:remove() ends it.
local Entry = {}
Entry.__index = Entry

function journal.begin(workflow, guest)
  runs = runs + 1
  local owner = this_process()
  local dir = journal.journal()
  core.make_directory(dir)
  return setmetatable({
    path = ("%s/%s-%d-%d-%d.json"):format(dir, guest.uuid, owner.pid, owner.started, runs),
    fields = { format = FORMAT, workflow = workflow, uuid = guest.uuid, guest = guest.name, host = guest.host.uri, owner = owner },
  }, Entry)
end

function Entry:write(fields)
  for key, value in pairs(fields) do
    self.fields[key] = value
  end
  core.write_file(self.path, json_for("journal", "the journal of a workflow").encode(self.fields, { indent = true }) .. "\n")
  self.written = true
end

-- The run is over, although something is left: whoever recovers may do it now.
function Entry:let_go()
  if self.written then
    self.fields.owner.ended = true
    self:write({})
  end
end

function Entry:remove()
  if self.written then
    core.remove_file(self.path)
    self.written = false
  end
end

-- A connection that is lost meanwhile is opened again.
local function recover_one(host, path, entry)
  local recover = journal.recoverers[entry.workflow]
  if not recover then
    error(core.Error.new({ kind = "no_support", op = "recover", message = ("no workflow is called '%s'"):format(tostring(entry.workflow)) }), 0)
  end
  local done = require("guestlua.workflow.frame").insist(host, function()
    local guest <close> = host:guest(entry.uuid)
    return recover(host, guest, entry)
  end)
  core.remove_file(path)
  return done
end

define(journal, "guestlua", {
  name = "recover",
  help = "Finds what killed runs of workflows left on the guests of a host (an overlay, a job, frozen file systems, a guest that is not defined any "
    .. "more) and finishes it or takes it back. Runs that are still under way are left alone. Calling it twice changes nothing more. What could not "
    .. "be recovered is raised in the end, and stays in the journal.",
  returns = "a list of tables: workflow, guest, step (how far the run had come) and outcome, what was done about it",
  params = { { name = "host", type = "userdata", positional = true, required = true, help = "the Host" } },
  run = function(host)
    core.check_self(host, "Host", "recover")
    for _ in pairs(require("guestlua.workflow")) do end -- loads them: each says how it is recovered
    local results, failure = {}, nil
    local dir = journal.journal()
    for _, name in ipairs(core.list_directory(dir)) do
      local path = dir .. "/" .. name
      local entry = name:find("%.json$") and json_for("recover", "reading the journal").decode(read(path) or "")
      if type(entry) == "table" and entry.format == FORMAT and entry.host == host.uri and not lives(entry.owner) then
        local ok, outcome = pcall(recover_one, host, path, entry)
        results[#results + 1] = { workflow = entry.workflow, guest = entry.guest, step = entry.step, outcome = ok and outcome or nil }
        if not ok then
          results[#results].error = outcome
          failure = failure or outcome
          if core.Error.is(outcome, "interrupted") or core.Error.is(outcome, "cancelled") then
            break
          end
        end
      end
    end
    if failure then
      failure = core.Error.is(failure) and failure or core.Error.new({ kind = "script", message = tostring(failure) })
      failure.results = results
      error(failure, 0)
    end
    return results
  end,
})

return journal
