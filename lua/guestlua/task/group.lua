-- Structured concurrency, over spawn, Task and Signal: group, map, timeout.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local undo = require("guestlua.base.undo")

local guestlua = {} -- to be added to the public module

local is = core.Error.is

local Group = define.class("Group", "Tasks that end together: guestlua.group makes one.")
guestlua.Group = Group

local function cancel(group)
  for this in pairs(group.tasks) do
    this.task:cancel()
  end
end

-- A task of a group. The first failure counts, and cancels the other tasks; a cancelled task has not failed, unless it could not undo something.
local Member = {}
Member.__index = Member

function Member:__close(e)
  local group = self.group
  if group.at_work[self] then
    group.at_work[self], group.running = nil, group.running - 1
  end
  group.free:wake(1) -- even from a task that was cancelled when its turn came
  group.tasks[self] = nil
  local undoing = is(e, "cancelled") and e.undoing
  if not self.succeeded and not group.failed and (undoing or not is(e, "cancelled")) then
    group.failed = self
    cancel(group)
  elseif undoing then
    table.move(undoing, 1, #undoing, #group.undoing + 1, group.undoing)
  end
end

-- Notes that fn has returned: an error can be any value, even nil.
function Member:returned(...)
  self.succeeded = true
  return ...
end

local function run(this, fn, ...)
  local group, guard <close> = this.group, this -- luacheck: ignore guard
  core.check() -- a task that was cancelled before does not begin
  while group.limit and group.running >= group.limit do
    group.free:wait()
  end
  group.at_work[this] = true
  group.running = group.running + 1
  return this:returned(fn(...))
end

local function check_open(group, method)
  if group.closed then
    error(core.Error.new({ kind = "closed", op = method, message = method .. ": the group's scope is over" }), 0)
  end
end

define(Group, "Group", {
  name = "spawn",
  method = true,
  help = "Starts fn(…) as a task of the group; if the group is at its limit, when one of its tasks has ended.",
  result = "Task",
  params = {
    { name = "fn", type = "function", positional = true, required = true, help = "the function" },
    { name = "...", type = "any", positional = true, help = "its arguments" },
  },
  run = function(group, fn, ...)
    check_open(group, "spawn")
    local this = setmetatable({ group = group }, Member)
    this.task = core.spawn(run, this, fn, ...)
    group.tasks[this] = true
    return this.task
  end,
})

-- A task of which the end could not be noted, as there was no memory for that, has ended nevertheless.
local function drain(group)
  local this = next(group.tasks)
  while this do
    this = next(group.at_work) or this -- those who wait for their turn need their ends
    core.await_end(this.task)
    if group.tasks[this] then
      this:__close()
    end
    this = next(group.tasks)
  end
end

-- Raises the failure, unless somebody waited for that task and has it already; with the undo errors of the tasks that were cancelled for it.
local function raise(group)
  local this, undoing = group.failed, group.undoing
  local unheard = this and not core.heard(this.task)
  if unheard and #undoing == 0 then
    this.task:wait()
  elseif #undoing > 0 then
    local e = unheard and select(2, pcall(this.task.wait, this.task)) or nil
    group.undoing = {}
    for _, another in ipairs(undoing) do
      e = undo.both(e, another)
    end
    error(e, 0)
  end
end

define(Group, "Group", {
  name = "wait",
  method = true,
  help = "Waits until all tasks of the group have ended. Raises their first error, once; it has cancelled the others.",
  run = function(group)
    check_open(group, "wait")
    drain(group)
    raise(group)
  end,
})

define(Group, "Group", {
  name = "cancel",
  method = true,
  help = "Cancels the tasks that still run, without waiting for them.",
  run = function(group)
    check_open(group, "cancel")
    cancel(group)
  end,
})

function Group:__close(failure)
  self.closed = true
  cancel(self)
  core.shield(drain, self)
  local ok, e = pcall(core.shield, raise, self)
  if not ok then
    error(undo.both(failure, e), 0)
  end
end

local function group_of(limit)
  return setmetatable({ limit = limit, running = 0, tasks = {}, at_work = {}, undoing = {}, free = core.signal() }, Group)
end

define(guestlua, "guestlua", {
  name = "group",
  help = "Makes a group of tasks: local group <close> = guestlua.group{limit=8}. The first task that fails cancels the others and its error is "
    .. "raised once, by group:wait() or at the end of the scope; leaving the scope cancels the tasks that still run and waits for them.",
  result = "Group",
  returns = "Group: spawn(fn, …), wait(), cancel()",
  params = { { name = "limit", type = "integer", least = 1, help = "how many of its tasks may run at once; nil: all" } },
  run = function(options)
    return group_of(options.limit)
  end,
})

define(guestlua, "guestlua", {
  name = "map",
  help = "Calls fn(value, index) for each value of a list, in tasks of a group.",
  result = "table",
  returns = "a table: the first result of each call, at the value's index",
  params = {
    { name = "list", type = "list of values", positional = true, required = true, help = "the values" },
    { name = "fn", type = "function", positional = true, required = true, help = "called with each value and its index" },
    { name = "limit", type = "integer", least = 1, help = "how many calls may run at once; nil: all" },
  },
  run = function(list, fn, options)
    local results = {}
    local group <close> = group_of(options.limit)
    for i = 1, #list do
      group:spawn(function()
        results[i] = fn(list[i], i)
      end)
    end
    group:wait()
    return results
  end,
})

-- The timeout error for a cancelled call; e is the error that it ended with.
local function late(seconds, e)
  local fields = { kind = "timeout", op = "timeout", message = ("not over within %g s"):format(seconds) }
  if type(e) == "table" then
    for _, key in ipairs({ "op", "call", "host", "guest", "device", "device_type", "still_running", "may_change", "undoing", "where", "workflow",
      "step", "steps", "outcome" }) do
      fields[key] = e[key] == nil and fields[key] or e[key]
    end
    fields.message = e.kind == "cancelled" and fields.message .. e.message:gsub("^cancelled", "") -- what it was at `op` and `call` say
      or ("%s; it was at: %s"):format(fields.message, e.message)
    fields.cause = e
  end
  return core.Error.new(fields)
end

define(guestlua, "guestlua", {
  name = "timeout",
  help = "Calls fn(…) and cancels it after `seconds`: its to-be-closed variables undo their changes, and then an error of kind "
    .. "\"timeout\" is raised, with still_running = true if a call is still running in libvirt.",
  result = "any ...",
  returns = "any: fn's results",
  params = {
    { name = "seconds", type = "number", positional = true, required = true, help = "how long it may take" },
    { name = "fn", type = "function", positional = true, required = true, help = "the function" },
    { name = "...", type = "any", positional = true, help = "its arguments" },
  },
  run = function(seconds, fn, ...)
    local task = core.spawn(fn, ...)
    local guard <close> = undo.guard(function()
      if task:status() == "running" then
        task:cancel()
        pcall(task.wait, task)
      end
    end)
    local results = table.pack(pcall(task.wait, task, { timeout = seconds }))
    if results[1] then
      return table.unpack(results, 2, results.n)
    elseif task:status() ~= "running" then
      return task:wait() -- its own error
    elseif not is(results[2], "timeout") then
      error(results[2], 0) -- the caller was cancelled: the guard cancels the task
    end
    task:cancel()
    results = table.pack(pcall(core.shield, task.wait, task))
    if results[1] then
      return table.unpack(results, 2, results.n) -- it still finished
    elseif is(results[2], "cancelled") then
      error(late(seconds, results[2]), 0)
    end
    return task:wait()
  end,
})

return guestlua
