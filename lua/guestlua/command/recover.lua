-- guestlua recover: what killed runs left, from the command line.

local core = require("guestlua.core")
local arguments = require("guestlua.command.arguments")
local guestlua = require("guestlua")
local journal = require("guestlua.base.journal")
local json_for = require("guestlua.base.json")
local recover = require("guestlua.workflow.recover")

local NOTHING_LEFT, SOMETHING_LEFT = arguments.DONE, arguments.FAILED

local SPEC = {
  word = "recover",
  help = "Finishes or takes back what killed runs of workflows left on the guests of a host.",
  codes = "0, nothing is left; 1, something is; 2, wrong usage.",
  options = {
    { name = "list", help = "print what the journal has, and change nothing" },
    { name = "guest", argument = "GUEST", help = "only this guest, by its name or UUID" },
    { name = "forget", argument = "ID", help = "remove that entry from the journal, and do nothing else" },
    { name = "adopt", help = "also what cannot be seen from here, as of another machine: only if it is over for good" },
    { name = "journal", argument = "DIR", help = "the directory of the journal" },
  },
}

local function print_list(guest)
  local left = false
  for _, row in ipairs(recover.list()) do
    if not guest or row.guest == guest or row.uuid == guest or row.state == "unreadable" then
      left = left or row.state ~= "alive"
      local words = table.concat({ row.workflow or "?", row.guest or "?", row.step or "?", row.since or "?" }, " ")
      print(core.printable(("%s  %s  %s%s"):format(row.id, row.state, words, row.why and ": " .. row.why or "")))
    end
  end
  return left and SOMETHING_LEFT or NOTHING_LEFT
end

local function forget(id)
  for _, row in ipairs(recover.list()) do
    if row.id == id and row.state == "alive" then
      arguments.report(SPEC, "", id .. " goes on")
      return SOMETHING_LEFT
    elseif row.id == id then
      journal.forget(id)
      return NOTHING_LEFT
    end
  end
  arguments.report(SPEC, "", ("the journal has no entry %s; guestlua recover --list shows those it has"):format(id))
  return SOMETHING_LEFT
end

local function print_result(result)
  local what = ("%s %s"):format(result.workflow or "?", result.guest or "?")
  if result.outcome then
    print(core.printable(("%s: %s"):format(what, result.outcome)))
  else
    arguments.report(SPEC, ("%s (%s): "):format(what, result.id), result.problem or result.error)
  end
  return result.outcome == nil
end

-- The answers that a watchdog's process has from the one that died: guest/watchdog.lua. nil: it is none.
local function handed_over()
  local path = os.getenv("GUESTLUA_ANSWERS") or ""
  if path == "" then
    return nil
  end
  local file <close> = assert(io.open(path))
  local answers = json_for("recover", "the answers of a connection").decode(file:read("a"))
  return function(ask)
    for _, one in ipairs(answers) do
      if one.type == ask.type and one.prompt == ask.prompt and one.challenge == ask.challenge then
        return one.answer
      end
    end
  end
end

local function recover_all(options)
  local host <close> = guestlua.open(options.connect, { auth = handed_over() })
  local ok, results = pcall(guestlua.recover, host, { guest = options.guest, adopt = options.adopt })
  if not ok and not results.results then
    error(results, 0)
  end
  local left, name = false, options.guest
  if ok and name and #results == 0 and not host:guest(name) then -- no run is left, but the name may be misspelt
    arguments.report(SPEC, "", ("there is neither a guest '%s' nor a run of one"):format(name))
  end
  for _, result in ipairs(ok and results or results.results) do
    left = print_result(result) or left
  end
  return left and SOMETHING_LEFT or NOTHING_LEFT
end

local function do_it(options)
  if options.journal then
    guestlua.journal({ dir = options.journal })
  end
  if options.list then
    return print_list(options.guest)
  elseif options.forget then
    return forget(options.forget)
  end
  return recover_all(options)
end

return function(_, ...)
  return arguments.main(SPEC, do_it, ...)
end
