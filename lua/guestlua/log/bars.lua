-- The text of a progress line: per cent, amounts, rate, time left, and a gauge.

local core = require("guestlua.core")
local screen = require("guestlua.log.screen")

local cut, width = screen.cut, screen.width

local SHORTEST_GAUGE, LONGEST_GAUGE, SHORTEST_LABEL = 8, 40, 12 -- in columns

local RATE_OVER = 10 -- the rate is that of the last so many seconds

local bars = {}

-- How far it is now.
function bars.note(bar, current, total)
  local now = core.now()
  bar.current, bar.total = current, total or bar.total
  local samples = bar.samples
  samples[#samples + 1] = { time = now, current = current }
  while #samples > 2 and now - samples[2].time > RATE_OVER do
    table.remove(samples, 1)
  end
end

local UNITS = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" }

-- "1.5 GiB", "0.3 of 1.5 GiB"
local function bytes(n, of)
  local largest, unit = of or n, 1
  while largest >= 1024 and unit < #UNITS do
    n, largest, unit = n / 1024, largest / 1024, unit + 1
  end
  local format = unit == 1 and "%.0f" or "%.1f"
  return (of and format .. " of " or ""):format(n) .. format:format(largest) .. " " .. UNITS[unit]
end

local function duration(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then
    return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
  end
  return ("%d:%02d"):format(s // 60, s % 60)
end

local function percent(bar)
  return math.min(math.floor(bar.current * 100 / bar.total), 100)
end

local function has_total(bar)
  return bar.total and bar.total > 0
end

-- "50 %", "0.5 of 1.0 GiB", "100.0 MiB/s", "0:05 left": as far as they are known.
local function facts(bar)
  local list = {}
  if has_total(bar) then
    list[1] = ("%3d %%"):format(percent(bar))
    list[2] = bytes(bar.current, bar.total)
  else
    list[1] = bytes(bar.current)
  end
  local first, last = bar.samples[1], bar.samples[#bar.samples]
  local rate = last.time > first.time and (last.current - first.current) / (last.time - first.time)
  if rate and rate > 0 then
    list[#list + 1] = bytes(rate) .. "/s"
    if has_total(bar) and bar.current < bar.total then
      list[#list + 1] = duration((bar.total - bar.current) / rate) .. " left"
    end
  end
  return list
end

-- The first so many facts, or all, as part of a sentence.
function bars.listed(bar, count)
  local list = facts(bar)
  return (table.concat(list, ", ", 1, count or #list):gsub("^ +", ""))
end

-- A line for each bar, with aligned gauges.
function bars.lines(list, columns)
  local texts, longest, label_width = {}, 0, 0
  for i, bar in ipairs(list) do
    texts[i] = table.concat(facts(bar), "  ")
    longest, label_width = math.max(longest, width(texts[i])), math.max(label_width, width(bar.label))
  end
  label_width = math.min(label_width, math.max(columns - longest - SHORTEST_GAUGE - 5, SHORTEST_LABEL))
  local room = math.min(columns - label_width - longest - 5, LONGEST_GAUGE)
  for i, bar in ipairs(list) do
    local gauge = ""
    if room >= SHORTEST_GAUGE then
      local full = has_total(bar) and percent(bar) * room // 100 or 0
      gauge = has_total(bar) and ("[%s%s]  "):format(("#"):rep(full), ("-"):rep(room - full)) or (" "):rep(room + 4)
    end
    local label = cut(bar.label, label_width)
    texts[i] = cut(label .. (" "):rep(label_width - width(label) + 1) .. gauge .. texts[i], columns)
  end
  return texts
end

function bars.summary(bar, failed)
  local seconds = core.now() - bar.began
  if failed then
    return ("%s: stopped after %s, at %s"):format(bar.label, duration(seconds), bars.listed(bar, has_total(bar) and 2 or 1))
  end
  local rate = seconds > 0.1 and bar.current > 0 and (", %s/s"):format(bytes(bar.current / seconds)) or ""
  return ("%s: done, %s in %s%s"):format(bar.label, bytes(bar.current), duration(seconds), rate)
end

return bars
