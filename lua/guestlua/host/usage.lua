-- What guests use now: rows for people and programs, of two answers of fleet:stats.

local core = require("guestlua.core")
local rates = require("guestlua.host.rates").rates
local stops = require("guestlua.base.stops")

local usage = {}

-- The fields of a row, in their order; `rate`: known only if there was an answer before.
usage.FIELDS = { "host", "guest", "state", "cpu_percent", "memory_bytes", "read_bytes_per_second", "write_bytes_per_second",
  "receive_bytes_per_second", "transmit_bytes_per_second" }

local STATES = { "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended" }

-- The sum of a rate over all entries of a part; nil if there is none.
local function sum(part, way)
  local total
  for key, entry in pairs(part or {}) do
    local rate = type(key) == "number" and entry[way] and entry[way].bytes
    total = rate and (total or 0) + rate or total
  end
  return total
end

local function row_of(host, guest, stats, rate)
  local balloon = stats.balloon or {}
  local memory = balloon.rss or balloon.current
  local active = STATES[stats.state and stats.state.state] ~= "shutoff"
  return {
    host = host,
    guest = guest,
    state = STATES[stats.state and stats.state.state] or "nostate",
    cpu_percent = rate.cpu and rate.cpu.time and rate.cpu.time / 1e7,
    memory_bytes = active and memory and memory * 1024 or nil,
    read_bytes_per_second = sum(rate.block, "rd"),
    write_bytes_per_second = sum(rate.block, "wr"),
    receive_bytes_per_second = sum(rate.net, "rx"),
    transmit_bytes_per_second = sum(rate.net, "tx"),
  }
end

-- The rows. before, now: what fleet:stats gave, before may be nil.
function usage.rows(before, now)
  local rows = {}
  for host, stats in pairs(now) do
    local earlier = before and before[host]
    local ok, rate = pcall(rates, earlier or stats, stats)
    if not ok and stops(rate) then
      error(rate, 0)
    end
    for guest, one in pairs(stats) do
      rows[#rows + 1] = row_of(host, guest, one, ok and rate[guest] or {})
    end
  end
  return rows
end

-- What a row is sorted by: text upwards, and numbers downwards, as who uses most is looked for.
usage.SORTS = {
  name = function(row) return row.guest end,
  host = function(row) return row.host end,
  cpu = function(row) return row.cpu_percent or -1 end,
  memory = function(row) return row.memory_bytes or -1 end,
  disk = function(row) return (row.read_bytes_per_second or 0) + (row.write_bytes_per_second or 0) end,
  network = function(row) return (row.receive_bytes_per_second or 0) + (row.transmit_bytes_per_second or 0) end,
}

function usage.sort(rows, by)
  local key = usage.SORTS[by]
  table.sort(rows, function(a, b)
    local x, y = key(a), key(b)
    if x ~= y then
      if type(x) == "number" then
        return x > y
      end
      return x < y
    elseif a.guest ~= b.guest then
      return a.guest < b.guest
    end
    return a.host < b.host
  end)
  return rows
end

-- ---- as text ----

local function amount(value)
  if not value then
    return "-"
  end
  local units, unit = { "B", "K", "M", "G", "T" }, 1
  while value >= 1000 and unit < #units do
    value, unit = value / 1024, unit + 1
  end
  return (unit == 1 or value >= 100) and ("%.0f%s"):format(value, units[unit]) or ("%.1f%s"):format(value, units[unit])
end

local function fit(text, width)
  local escaped = core.escape(text)
  local count = utf8.len(escaped) or #escaped
  if count > width then
    return escaped:sub(1, (utf8.offset(escaped, width) or width) - 1) .. "+"
  end
  return escaped .. (" "):rep(width - count)
end

-- A table as wide as that: a line for each row below a heading.
function usage.lines(rows, columns, with_host)
  local narrow = 5 + 12 + 7 * 6 + (with_host and 17 or 0)
  local name = math.max(math.min(columns - narrow, 40), 8)
  local function line(host, guest, state, ...)
    return (with_host and fit(host, 16) .. " " or "") .. fit(guest, name) .. (" %-11s"):format(state) .. ("%7s"):rep(6):format(...)
  end
  local lines = { line("HOST", "GUEST", "STATE", "CPU%", "MEM", "READ/s", "WRIT/s", "RX/s", "TX/s") }
  for i, row in ipairs(rows) do
    lines[i + 1] = line(row.host, row.guest, row.state, row.cpu_percent and ("%.1f"):format(row.cpu_percent) or "-", amount(row.memory_bytes),
      amount(row.read_bytes_per_second), amount(row.write_bytes_per_second), amount(row.receive_bytes_per_second),
      amount(row.transmit_bytes_per_second))
  end
  return lines
end

local function csv(value)
  local text = math.type(value) == "float" and ("%.3f"):format(value) or value == nil and "" or tostring(value)
  return text:find('[",\r\n]') and '"' .. text:gsub('"', '""') .. '"' or text
end

-- The rows as CSV (RFC 4180), each with its time in front.
function usage.csv(rows, time)
  local lines = {}
  for i, row in ipairs(rows) do
    local cells = { csv(time) }
    for j, field in ipairs(usage.FIELDS) do
      cells[j + 1] = csv(row[field])
    end
    lines[i] = table.concat(cells, ",") .. "\r\n"
  end
  return table.concat(lines)
end

usage.CSV_HEADING = "time," .. table.concat(usage.FIELDS, ",") .. "\r\n"

return usage
