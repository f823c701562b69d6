-- Moves all guests off a host. What can move, and where to, is known before the first one moves; each move is a workflow, which ends with the guest
-- on exactly one host. A run that was ended is begun again: it goes by which guests the host has then.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local migration = require("guestlua.workflow.migrate.plan")
local places = require("guestlua.workflow.drain.places")
local plan = require("guestlua.workflow.drain.plan")
local reach = require("guestlua.base.reach")
local recover = require("guestlua.workflow.recover")
local retry = require("guestlua.workflow.retry")
local state = require("guestlua.workflow.state")
local task = require("guestlua.task.group")
local workflow = require("guestlua.workflow.class")
require("guestlua.workflow.live_migrate")
require("guestlua.workflow.migrate.offline")

local NAME = "drain"

-- Moves at a time: each takes the network, and a processor at both ends.
local LIMIT = 2

-- Seconds for a host to say how a guest is that was not moved.
local ASK_FOR = 5

-- The options of live_migrate that make sense for many guests.
local OF_EACH = { "block", "tunnelled", "tls", "plain", "postcopy", "auto_converge", "unsafe", "parallel", "bandwidth", "completion_timeout",
  "timeout_action", "wait" }

-- ---- arguments ----

local function one_of(name, value, choices)
  for _, choice in ipairs(choices) do
    if value == nil or value == choice then
      return
    end
  end
  define.bad(NAME, name, ("no such choice '%s'; there are: %s"):format(value, table.concat(choices, ", ")))
end

local function check(source, options)
  core.check_self(source, "Host", NAME)
  one_of("strategy", options.strategy, plan.STRATEGIES)
  one_of("on_stuck", options.on_stuck, { "refuse", "leave" })
  migration.action_of(NAME, options)
  return places.read(source, options.to)
end

-- ---- before ----

-- What killed runs left, moves above all, is put in order first: the results, as guestlua.recover gives them. A script that is not trusted cannot
-- recover.
local function recovered(source)
  if core.dry_run() or reach.is_restricted() then
    return {}
  end
  local ok, results = retry.try(recover.recover, source)
  return ok and results or results.results or error(results, 0)
end

-- Guests that a killed run left, and that could not be put in order, do not move: it is not known how they are.
local function keep_unsettled(run)
  local why, moves = {}, {}
  for _, one in ipairs(run.recovered) do
    if one.error and one.guest then
      why[one.guest] = ("what a killed %s left there is not recovered: %s"):format(one.workflow, one.error.message)
    end
  end
  for _, move in ipairs(run.moves) do
    if why[move.name] then
      table.insert(run.left, { guest = move.name, why = why[move.name] })
    else
      moves[#moves + 1] = move
    end
  end
  run.moves = moves
end

-- As many as fit in a message; its field `left` has all.
local NAMED = 8

local function refuse(source, left, problems)
  local lines = {}
  for i = 1, math.min(#left, NAMED) do
    lines[i] = ("'%s': %s"):format(left[i].guest, left[i].why)
  end
  lines[#lines + 1] = #left > NAMED and ("and %d more"):format(#left - NAMED) or nil
  for _, one in ipairs(problems) do
    lines[#lines + 1] = ("%s does not answer: %s"):format(one.host, core.Error.is(one.error) and one.error.message or tostring(one.error))
  end
  error(core.Error.new({
    kind = "operation_invalid",
    op = NAME,
    host = source.uri,
    message = ("%d guest%s cannot move, and none was moved: %s"):format(#left, #left == 1 and "" or "s", table.concat(lines, "; ")),
    hint = "on_stuck=\"leave\" moves the others",
    left = left,
    problems = problems,
  }), 0)
end

-- ---- moving ----

local function move_one(move, options)
  local own = { destination_uri = move.to.uri, migrate_uri = move.to.migrate_uri }
  for _, name in ipairs(OF_EACH) do
    own[name] = options[name]
  end
  local result
  if move.live then
    result = workflow.live_migrate(move.guest, move.to.host, own)
  else
    result = workflow.offline_migrate(move.guest, move.to.host, { destination_uri = move.to.uri, wait = options.wait })
  end
  if result.arrived then
    result.arrived:close()
  end
  return result
end

-- How the guest of a move that failed is now: row.here and row.there, libvirt's word for its state on the two hosts, "gone" if that host does not
-- have it, "unknown" if it does not answer. Gives whether the move may have changed something: not if the guest is on this host, and runs if it
-- ran.
local function look_again(move, row)
  local deadline = core.now() + ASK_FOR
  local answers = task.map({ move.guest.host, move.to.host }, function(host)
    return table.pack(retry.try(state.of, host, move.guest.uuid, deadline))
  end)
  local here, there = table.unpack(answers)
  row.here, row.there = here[1] and here[2].word or "unknown", there[1] and there[2].word or "unknown"
  return not (here[1] and here[2].known and here[2].active == move.live)
end

local function run_one(run, move)
  local row = { guest = move.name, to = move.to.host.uri }
  local left = run.deadline and run.deadline - core.now() or math.huge
  if run.options.max_failures and #run.failed > run.options.max_failures or left <= 0 then
    row.why = left <= 0 and "the time is over" or "too many have failed"
    table.insert(run.not_tried, row)
    return
  end
  local began = core.now()
  local ok, result
  if run.deadline then
    ok, result = pcall(task.timeout, left, move_one, move, run.options)
  else
    ok, result = pcall(move_one, move, run.options)
  end
  row.seconds = core.now() - began
  if retry.stops(result) then
    table.insert(run.stopped, ("'%s': %s"):format(move.name, result.outcome or "nothing was done"))
    error(result, 0)
  elseif not ok then
    row.error = result
    table.insert(run.failed, row) -- at once: it counts for those that begin meanwhile
    run.changed = look_again(move, row) or run.changed
  elseif result.plan then
    table.move(result.plan, 1, #result.plan, #run.plan + 1, run.plan)
  else
    run.changed = true
    table.insert(run.moved, row)
  end
end

local function result_of(run, source, began)
  local dry, moves = core.dry_run(), {}
  local ok, guests = retry.try(source.guests, source)
  for i, move in ipairs(run.moves) do
    moves[i] = { guest = move.name, to = move.to.host.uri, live = move.live, memory = move.bytes }
  end
  return {
    workflow = NAME,
    host = source.uri,
    changed = dry and #moves > 0 or run.changed or false,
    drained = ok and #guests == 0,
    moves = moves,
    moved = run.moved,
    failed = run.failed,
    left = run.left,
    not_tried = run.not_tried,
    problems = run.problems,
    recovered = run.recovered,
    seconds = core.now() - began,
    plan = dry and run.plan or nil,
  }
end

-- The error of a drain that was asked to stop says how far it came.
local function ended(run, e)
  if core.Error.is(e) then
    e.workflow, e.step, e.moved, e.failed = NAME, "move", run.moved, run.failed
    e.outcome = ("%d of %d guests were moved%s"):format(#run.moved, #run.moves,
      #run.stopped > 0 and "; " .. table.concat(run.stopped, "; ") or "")
  end
  return e
end

local function drain(source, options)
  local list, began = check(source, options), core.now()
  local opened <close> = places.guard(list) -- luacheck: ignore opened
  local run = { options = options, moves = {}, moved = {}, failed = {}, left = {}, not_tried = {}, stopped = {}, problems = {}, plan = {},
    deadline = options.timeout and began + options.timeout or nil }
  run.recovered = recovered(source)
  for _, one in ipairs(run.recovered) do
    run.changed = run.changed or one.outcome ~= nil
  end
  run.moves, run.left, run.problems = plan.make(source, list, options)
  keep_unsettled(run)
  if #run.left > 0 and options.on_stuck ~= "leave" then
    refuse(source, run.left, run.problems)
  end
  local ok, e = pcall(task.map, run.moves, function(move)
    run_one(run, move)
  end, { limit = core.dry_run() and 1 or options.limit or LIMIT }) -- a plan is in the order of the moves
  if not ok then
    error(ended(run, e), 0)
  end
  return result_of(run, source, began)
end

-- ---- the row ----

local PARAMS = {
  { name = "host", type = "Host", positional = true, required = true, help = "the Host that is to have no guests" },
  { name = "to", type = "list of values", required = true, help = "the hosts that may take them: each a Host; or a URI, which is opened, and "
    .. "closed in the end; or a table with host= or uri= for that, and destination_uri= and migrate_uri=, as live_migrate takes them" },
  { name = "strategy", type = "string", help = "\"spread\", the default: a guest goes where the most memory is left; \"fill\": to the first in the "
    .. "list that can take it, so that the last ones stay free" },
  { name = "on_stuck", type = "string", help = "if guests cannot move: \"refuse\", the default, is an error that names them, before anything "
    .. "moves; \"leave\" moves the others" },
  { name = "limit", type = "integer", least = 1, help = "how many moves may be under way at once; default: 2" },
  { name = "max_failures", type = "integer", help = "begin no more moves when more than that have failed, or are not known to have succeeded; nil: "
    .. "go on" },
  { name = "reserve", type = "integer", signed = true, most = plan.MOST_RESERVE,
    help = "MiB of memory that stay free on each host, default: 0; below 0: so much more may be taken than there is" },
  { name = "timeout", type = "number", help = "seconds for the whole drain: after that no move begins, and those under way are taken back" },
}

local function params()
  local of_move = {}
  for _, row in ipairs(define.rows) do
    for _, param in ipairs(row.owner == "workflow" and row.name == "live_migrate" and row.params or {}) do
      of_move[param.name] = param
    end
  end
  for _, name in ipairs(OF_EACH) do
    PARAMS[#PARAMS + 1] = of_move[name]
  end
  return PARAMS
end

define(workflow, "workflow", {
  name = NAME,
  help = "Moves all guests off a host, each as live_migrate does, or offline_migrate if it is off. Before the first one moves it is known which "
    .. "goes where, by the memory that is free and by the processors, and which cannot move; what was killed on the way is recovered, and a guest "
    .. "that cannot be recovered does not move. A move "
    .. "that fails ends no other: the result has its error. Called again it goes on with the guests that the host still has. "
    .. "In a dry run libvirt does not answer about processors.",
  fields = {
    { name = "workflow", type = "string", help = "its name" },
    { name = "host", type = "string", help = "the URI of the host" },
    { name = "drained", type = "boolean", help = "whether the host has no guest any more" },
    { name = "changed", type = "boolean", help = "whether a guest was moved or recovered, or may have been; in a dry run: whether "
      .. "one would be" },
    { name = "moves", type = "table[]", help = "what it set out to do: guest, to (the URI of a host), live (whether it runs), "
      .. "memory (bytes)" },
    { name = "moved", type = "table[]", help = "guests that are on another host: guest, to, seconds" },
    { name = "failed", type = "table[]", help = "moves that failed, or of which it is not known what became: guest, to, seconds, error, and the "
      .. "guest's state on both hosts then, here and there: libvirt's word, \"gone\" if it is not there, \"unknown\" if the host does not answer" },
    { name = "left", type = "table[]", help = "guests that cannot move: guest, why" },
    { name = "not_tried", type = "table[]", help = "moves that were not begun: guest, to, why" },
    { name = "problems", type = "table[]", help = "hosts in `to` that do not answer: host, error" },
    { name = "recovered", type = "table[]", help = "what killed runs had left, as from guestlua.recover" },
    { name = "seconds", type = "number", help = "how long it took" },
    { name = "plan", type = "table[]?", help = "in a dry run: the calls that were not made, as from guestlua.plan()" },
  },
  params = params(),
  run = drain,
})
