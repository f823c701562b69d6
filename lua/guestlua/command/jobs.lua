-- The jobs of guests and of their disks, as bars: for guestlua top.

local core = require("guestlua.core")
local ask = require("guestlua.host.fleet.ask")
local bars = require("guestlua.log.bars")
local task = require("guestlua.task.group")

local jobs = {}

-- Seconds for each answer, as a guest may be stuck, and guests of a host that are asked at a time.
local ANSWER, AT_ONCE = 2, 2

local UNDER_WAY = { bounded = true, unbounded = true }

-- A guest's jobs: what, current, total. parts: its disks, as host:stats has them.
local function of_guest(guest, parts)
  local list, info = {}, guest:get_job_info({ timeout = ANSWER })
  if UNDER_WAY[info.job_type] then
    list[1] = { what = info.operation or "job", current = info.data_processed, total = info.data_total }
  end
  local seen = {}
  for key, part in pairs(parts or {}) do
    local target = type(key) == "number" and not seen[part.name] and part.name -- a disk's images all have its name
    seen[target or ""] = true
    local job = target and guest:get_block_device(target):get_job_info({ timeout = ANSWER })
    if job then
      list[#list + 1] = { what = target .. " " .. job.job_type, current = job.cur, total = job.end_ }
    end
  end
  return list
end

-- A guest that is off or gone by now, or a driver without jobs.
local NONE = { no_domain = true, operation_invalid = true, no_support = true }

-- The same of a row of usage.rows, and why it is not known.
local function of_row(host, row, stats)
  local ok, list = pcall(function()
    local guest <close> = host:guest(row.guest, { timeout = ANSWER })
    return guest and of_guest(guest, stats[row.host][row.guest].block) or {}
  end)
  if not ok and ask.stops(list) then
    error(list, 0)
  end
  local why = not ok and not (core.Error.is(list) and NONE[list.kind]) and (core.Error.is(list) and list.message or tostring(list)) or nil
  return { host = row.host, guest = row.guest, jobs = ok and list or {}, why = why }
end

-- What bars.lines draws, in the order of their labels; `unknown` has lines for guests that do not say theirs. before: what this gave the last time,
-- for their speed.
function jobs.look(fleet, rows, stats, before, with_host)
  local of_host, known, list = {}, {}, { unknown = {} }
  for _, row in ipairs(rows) do
    of_host[row.host] = of_host[row.host] or {}
    table.insert(of_host[row.host], row.state ~= "shutoff" and row or nil)
  end
  for _, bar in ipairs(before) do
    known[bar.label] = bar
  end
  local answers = ask.all(fleet, nil, function(entry)
    return task.map(of_host[entry.name] or {}, function(row)
      return of_row(entry.host, row, stats)
    end, { limit = AT_ONCE })
  end)
  for _, answer in ipairs(answers) do
    for _, found in ipairs(answer.value or {}) do
      local guest = (with_host and found.host .. " " or "") .. found.guest
      if found.why then
        table.insert(list.unknown, core.escape(("%s: its jobs are not known: %s"):format(guest, found.why)))
      end
      for _, job in ipairs(found.jobs) do
        local label = core.escape(("%s: %s"):format(guest, job.what))
        local bar = known[label] or { label = label, samples = {} }
        bars.note(bar, job.current, job.total)
        list[#list + 1] = bar
      end
    end
  end
  table.sort(list, function(a, b)
    return a.label < b.label
  end)
  return list
end

-- Lines of that width, so many at most.
function jobs.lines(list, columns, most)
  local lines = bars.lines(table.move(list, 1, math.min(#list, most), 1, {}), columns)
  table.move(list.unknown, 1, #list.unknown, #lines + 1, lines)
  local more = #list + #list.unknown - most
  if more > 0 then
    for i = #lines, most + 1, -1 do
      lines[i] = nil
    end
    lines[most] = ("and %d more"):format(more + 1)
  end
  return lines
end

return jobs
