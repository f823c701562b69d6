-- The plan at the end of a dry run: the changes that it did not make, in order, each with its workflow's step and the wait that would have followed
-- it.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local log = require("guestlua.log.log")

local LONGEST, MOST = 240, 40 -- bytes of an argument, and lines that change, that are shown

local plan = {}

local entries = {}

-- The current runs of workflows: by host and guest, the innermost one, which has the one around it as `outer`.
local running = {}

local function key_of(host, guest)
  return ("%s\0%s"):format(host, guest)
end

-- From now on changes of the run's guest that are held back or recorded belong to the run, until the returned to-be-closed value is closed.
function plan.begin(run)
  local key = key_of(core.mask(run.guest.host.uri), run.guest_name)
  local this = { run = run, outer = running[key] }
  running[key] = this
  return setmetatable({}, {
    __close = function()
      local above = running[key]
      if above == this then
        running[key] = this.outer
        return
      end
      while above and above.outer ~= this do -- the run that began after this one and goes on, in another task
        above = above.outer
      end
      if above then
        above.outer = this.outer
      end
    end,
  })
end

-- The guest's outermost workflow run, or nil.
function plan.outermost(host, guest)
  local this = host and guest and running[key_of(host, guest)]
  while this and this.outer do
    this = this.outer
  end
  return this and this.run
end

-- The workflow and the step of a guest's run.
local function place_of(host, guest)
  local this = host and guest and running[key_of(host, guest)]
  if this then
    return this.run, { workflow = this.run.workflow, step = this.run.at, undoing = this.run.failure ~= nil or nil }
  end
  return nil, {}
end

local expected -- what the next change would change

-- The next change is none that the script gets an error for: what would come back is known, and so is what would change, a list of lines. nil: none
-- is expected.
function plan.expect(changes)
  expected = changes
end

-- Adds a change that was not made: call, op, host, object_type, object, guest, device, arguments, refused. The entry gets its place, too.
function plan.add(fields)
  local run, entry = place_of(fields.host, fields.guest)
  for key, value in pairs(fields) do
    entry[key] = value
  end
  entry.arguments = entry.arguments and log.masked(entry.arguments)
  if expected then
    entry.refused, entry.changes, expected = nil, expected, nil
  end
  entries[#entries + 1] = entry
  if run then
    run.plan = run.plan or {}
    table.insert(run.plan, entry)
  end
  return entry
end

-- Notes the wait that would follow now: at the last change of that guest, if there is one.
function plan.waits(guest, what)
  local host, name = core.mask(guest.host.uri), guest.name
  for i = #entries, 1, -1 do
    local entry = entries[i]
    if entry.host == host and entry.guest == name then
      entry.waits_for = entry.waits_for and entry.waits_for .. ", then for " .. what or what
      return
    end
  end
  plan.add({ host = host, guest = name, waits_for = what })
end

-- All entries so far.
function plan.list()
  return table.move(entries, 1, #entries, 1, {})
end

-- ---- as text ----

local function heading_of(entry)
  if not entry.workflow then
    return ""
  end
  return ("%s of guest '%s', step %s%s"):format(entry.workflow, core.printable(entry.guest), entry.step,
    entry.undoing and ", taking back" or "")
end

-- The arguments for people: a long XML document is cut, as a plan is to be read.
function plan.brief(arguments)
  if not arguments then
    return nil
  end
  local brief = setmetatable({}, getmetatable(arguments))
  for key, value in pairs(arguments) do
    local long = type(value) == "string" and #value > LONGEST
    brief[key] = long and ("%s… (%d bytes)"):format(value:sub(1, LONGEST):gsub("[\192-\255]?[\128-\191]*$", ""), #value) or value
  end
  return brief
end

local function line_of(entry)
  if not entry.call then
    return ("guest '%s'"):format(core.printable(entry.guest))
  end
  local fields = log.fields_text(setmetatable({
    host = not entry.guest and entry.host or nil,
    [entry.object_type or "object"] = entry.object,
    guest = not entry.workflow and entry.guest or nil,
    device = entry.device,
    arguments = not entry.changes and plan.brief(entry.arguments) or nil,
  }, { __jsonorder = { "host", entry.object_type or "object", "guest", "device", "arguments" } }))
  return ("%s %s%s"):format(entry.call, fields, entry.refused and " (refused: nobody knows what would come back)" or "")
end

-- All changes held back so far, for people.
function plan.text()
  local lines, heading, count = {}, "", 0
  for _, entry in ipairs(entries) do
    local this = heading_of(entry)
    if this ~= heading and this ~= "" then
      lines[#lines + 1] = this
    end
    heading = this
    local indent = this ~= "" and "  " or ""
    count = count + (entry.call and 1 or 0)
    lines[#lines + 1] = indent .. (entry.call and ("%d. "):format(count) or "-  ") .. line_of(entry):gsub("%s+$", "")
    for i, change in ipairs(entry.changes or {}) do
      lines[#lines + 1] = indent .. "   " .. core.printable(i <= MOST and change or ("and %d more lines"):format(#entry.changes - MOST))
      if i > MOST then
        break
      end
    end
    if entry.waits_for then
      lines[#lines + 1] = indent .. "   waits for " .. core.printable(entry.waits_for)
    end
  end
  table.insert(lines, 1, count == 0 and "Plan: nothing is to be changed."
    or ("Plan: %d change%s, none made."):format(count, count == 1 and "" or "s"))
  return table.concat(lines, "\n")
end

define(plan, "guestlua", {
  name = "plan",
  help = "The changes that a dry run has held back so far, in order: what the script would change. The command's --dry-run prints it in the end. "
    .. "A workflow returns its own part as `plan`.",
  result = "table[]",
  fields = {
    { name = "call", type = "string?", help = "libvirt's function, or \"make_image\" and the like for actions without one" },
    { name = "op", type = "string?", help = "the method that was called" },
    { name = "host", type = "string", help = "the host's URI" },
    { name = "object_type", type = "string?", help = "the kind of object, if it is no guest, for example \"network\"" },
    { name = "object", type = "string?", help = "its name" },
    { name = "guest", type = "string?", help = "the guest's name" },
    { name = "device", type = "string?", help = "the device's name, for example its alias or target" },
    { name = "arguments", type = "table?", help = "the arguments, by name" },
    { name = "changes", type = "table?", help = "of a guest's configuration that is written anew: the lines that go, "
      .. "each after a -, and those that come, after a +" },
    { name = "refused", type = "true?", help = "the script got an error, because the call's result cannot be known" },
    { name = "workflow", type = "string?", help = "the workflow that it belongs to" },
    { name = "step", type = "string?", help = "the workflow's step" },
    { name = "undoing", type = "true?", help = "the workflow had failed" },
    { name = "waits_for", type = "string?", help = "the wait that would follow it" },
  },
  run = plan.list,
})

return plan
