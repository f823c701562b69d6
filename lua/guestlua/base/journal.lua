-- The journal: each run describes a change that it may have to take back in one small file per run, on the disk before it makes the change. A run
-- that ends removes its file. guestlua.recover finds the files of killed runs and takes back their changes: workflow/recover.lua.
--
-- A run is alive if the lock that its entry names is held: process numbers mean nothing in another namespace, and are used again.

local core = require("guestlua.core")
local decoded = require("guestlua.base.decoded")
local define = require("guestlua.base.define")
local json_for = require("guestlua.base.json")

local journal = {
  recoverers = {}, -- by the name of a workflow or guard: function(host, guest, entry), see workflow/recover.lua
}

local FORMAT = 2 -- of an entry
local LARGEST = 1 << 20 -- bytes of an entry: a configuration has some ten thousand

local directory -- set by guestlua.journal

local function fail(kind, fields)
  fields.kind, fields.op = kind, "journal"
  error(core.Error.new(fields), 0)
end

local function variable(name)
  local value = os.getenv(name)
  return value and value:sub(1, 1) == "/" and value or nil
end

local function default_directory()
  local state, home = variable("XDG_STATE_HOME"), variable("HOME")
  if state or home then
    return (state or home .. "/.local/state") .. "/guestlua/journal"
  elseif core.user() == 0 then
    return "/var/lib/guestlua"
  end
  fail("bad_argument", {
    message = "neither HOME nor XDG_STATE_HOME says where the journal of workflows is",
    hint = "guestlua.journal{dir=…} says so, or set XDG_STATE_HOME",
  })
end

local function first_line(path)
  local file <close> = io.open(path)
  return file and file:read("l") or ""
end

-- This machine's name in entries and claims. Containers of one machine share `boot`.
function journal.machine()
  return { name = first_line("/proc/sys/kernel/hostname"), id = first_line("/etc/machine-id"), boot = first_line("/proc/sys/kernel/random/boot_id") }
end

-- The number of this process, for people.
function journal.process()
  return first_line("/proc/self/stat"):match("^%d+")
end

-- Whether that machine is this one in its present boot: "here", "before" (it was rebooted since), or "elsewhere".
function journal.where(machine)
  local this = journal.machine()
  if type(machine) ~= "table" then
    return "elsewhere"
  elseif machine.boot == this.boot then
    return "here"
  end
  return machine.id == this.id and this.id ~= "" and "before" or "elsewhere"
end

define(journal, "guestlua", {
  name = "journal",
  help = "Sets the directory of the workflows' journal, before the first workflow: guestlua.journal{dir=…}. A recovery needs the same one. "
    .. "Only this user can read its files, because they hold configurations with their secrets.",
  result = "string",
  returns = "the directory",
  params = { { name = "dir", type = "string", help = "a directory, made if it is missing; default: $XDG_STATE_HOME/guestlua/journal, or "
    .. "~/.local/state/guestlua/journal, or /var/lib/guestlua for root without a home" } },
  run = function(options)
    if options.dir == "" then
      define.bad("journal", "dir", "cannot be empty")
    end
    directory = options.dir or directory
    return directory or default_directory()
  end,
})

-- The directory, made and checked: nobody else may write there.
function journal.directory()
  local dir = journal.journal()
  core.make_directory(dir)
  local why = core.distrust_directory(dir)
  if why then
    fail("access_denied", { message = ("the journal %s is not trusted: %s"):format(dir, why), hint = "guestlua.journal{dir=…} names another" })
  end
  return dir
end

-- A run's name: its start time, and a unique part.
function journal.new_id()
  local random <close> = assert(io.open("/dev/urandom", "rb"))
  return os.date("!%Y%m%d-%H%M%S-") .. ("%08x"):format((string.unpack("I4", random:read(4))))
end

-- ---- writing ----

-- entry:write{…} adds to an entry, entry:remove() removes it. entry:begin{…} and entry:settle() are the halves of a write, for what else can be done
-- until it is on the disk: local entry <close> = … waits for it however the scope ends.
local Entry = {}
Entry.__index = Entry

local function path_of(dir, id)
  return ("%s/%s.json"):format(dir, id)
end

-- The entry of a run, not yet written. lock: the name of the lock file beside it.
function journal.begin(id, name, guest, lock)
  return setmetatable({
    path = path_of(journal.directory(), id),
    fields = {
      format = FORMAT,
      id = id,
      workflow = name,
      uuid = guest.uuid,
      guest = guest.name,
      host = guest.host.uri,
      machine = journal.machine(),
      process = journal.process(),
      since = os.date("!%Y-%m-%dT%H:%M:%SZ"),
      clock = core.now(), -- two runs may begin in one second
      lock = lock,
    },
  }, Entry)
end

function Entry:begin(fields)
  self:settle()
  for key, value in pairs(fields) do
    self.fields[key] = value
  end
  local text = json_for("journal", "the journal of a workflow").encode(self.fields, { indent = true }) .. "\n"
  self.written = true -- before it is: a signal may come at any moment
  self.writing = core.begin_write(self.path, text)
end

-- Raises its error, once.
function Entry:settle()
  while self.writing do
    local writing = self.writing
    local ok, e = pcall(writing.wait, writing)
    if self.writing == writing then
      self.writing = nil
      if not ok then
        error(e, 0)
      end
    end
  end
end

function Entry:write(fields)
  self:begin(fields)
  self:settle()
end

-- Its error does not hide the one that left the scope.
function Entry:__close()
  pcall(self.settle, self)
end

function Entry:remove()
  self:__close()
  if self.written then
    core.remove_file(self.path)
    self.written = false
  end
end

-- ---- reading ----

local function decode(text)
  local entry, after = decoded(text, "recover", "reading the journal")
  return type(entry) == "table" and not text:find("%S", after) and entry or nil
end

-- Nothing less: a guest is also looked up by its name, and that could be "dead".
local UUID = "^" .. ("X-x-x-x-Xx$"):gsub(".", { X = ("%x"):rep(8), x = ("%x"):rep(4), ["-"] = "%-" })

-- The type of each field of an entry. Some become parts of file names.
local FIELDS = {
  { "id", "string" }, { "workflow", "string" }, { "step", "string" }, { "uuid", "string", UUID }, { "guest", "string" }, { "host", "string" },
  { "machine", "table" }, { "process", "string" }, { "since", "string" }, { "lock", "string", "^[%w_-]+%.lock$" }, { "data", "table" },
}

-- Why an entry cannot be worked on; nil: it can.
local function problem_of(entry, id)
  if not entry then
    return "it is damaged"
  elseif math.type(entry.format) ~= "integer" then
    return "it is damaged: format"
  elseif entry.format < FORMAT then
    return "it is of an older version"
  elseif entry.format > FORMAT then
    return ("it is of a newer version (format %d)"):format(entry.format)
  end
  for _, field in ipairs(FIELDS) do
    local name, kind, pattern = table.unpack(field)
    if type(entry[name]) ~= kind or pattern and not entry[name]:find(pattern) then
      return "it is damaged: " .. name
    end
  end
  if entry.id ~= id then
    return "it is damaged: id"
  end
end

local function read(dir, id)
  local text, why = core.read_file(path_of(dir, id), LARGEST)
  if not text then
    return { id = id, problem = why }
  end
  local fields = decode(text)
  local problem = problem_of(fields, id)
  if problem then
    return { id = id, problem = problem }
  end
  return setmetatable({ id = id, path = path_of(dir, id), fields = fields, written = true }, Entry)
end

-- A sort's function. What was begun since the machine was started came last, in the order of the clock that nobody can set.
local function by_age()
  local boot = journal.machine().boot
  local function age(entry)
    local fields = entry.fields or {}
    local now = fields.machine and fields.machine.boot == boot
    return now and 1 or 0, now and "" or fields.since or entry.id, tonumber(fields.clock) or 0, entry.id
  end
  return function(a, b)
    local one, other = { age(a) }, { age(b) }
    for i, value in ipairs(one) do
      if value ~= other[i] then
        return value < other[i]
      end
    end
    return false
  end
end

-- All entries, oldest first: the usable ones, and {id, problem}.
function journal.entries()
  local dir, list = journal.journal(), {}
  local why = core.distrust_directory(dir)
  if why then
    fail("access_denied", { message = ("the journal %s is not read: %s"):format(dir, why) })
  end
  for _, name in ipairs(core.list_directory(dir)) do
    local id = name:match("^(.*)%.json$")
    list[#list + 1] = id and read(dir, id) or nil
  end
  table.sort(list, by_age())
  return list
end

-- The same entry as it is now; nil if it was removed meanwhile.
function journal.again(entry)
  local now = read(journal.journal(), entry.id)
  return now.fields and now or nil
end

-- Whether there is an entry with that id.
function journal.has(id)
  return not id:find("/", 1, true) and core.identify(path_of(journal.journal(), id)) ~= nil
end

-- Removes the locks of dead runs.
function journal.sweep()
  local dir = journal.journal()
  for _, name in ipairs(core.list_directory(dir)) do
    local ok, lock = pcall(core.lock, name:find("%.lock$") and dir .. "/" .. name)
    if ok and lock then -- a directory is no lock, nor is a symbolic link
      lock:release()
    end
  end
end

-- Whether the run of an entry is alive: its lock is held.
function journal.lives(entry)
  return journal.where(entry.fields.machine) == "here" and core.lock_holder(journal.journal() .. "/" .. entry.fields.lock) == true
end

-- Removes an entry, whatever its contents.
function journal.forget(id)
  core.remove_file(path_of(journal.journal(), id))
end

return journal
