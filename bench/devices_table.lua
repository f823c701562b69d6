-- Prints the table of bench/devices: devices_table.lua RUNS, where a line is CALL, DEVICES, CONTENDER and ns, or of a contender that was not run its
-- name and why.

local calls, sizes = { "get_disk", "get_all_devices", "get_config" }, { 5, 50, 500 }
local floor_goal, nova_goal, growth_goal = 1.3, { [5] = 4, [50] = 8 }, 1.3

local runs, missing = {}, {}
for line in io.lines((...)) do
  local call, size, contender, ns = line:match("^([^\t]+)\t(%d+)\t([^\t]+)\t(%d+)$")
  if call then
    local key = ("%s %s %s"):format(call, size, contender)
    runs[key] = runs[key] or {}
    table.insert(runs[key], tonumber(ns))
  else
    local name, why = line:match("^([^\t]+)\t(.*)$")
    missing[name] = why
  end
end

local function values(call, size, contender)
  return runs[("%s %d %s"):format(call, size, contender)]
end

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local half = #sorted // 2
  return #sorted % 2 == 1 and sorted[half + 1] or (sorted[half] + sorted[half + 1]) / 2
end

-- The median of f(round): the contenders of a round ran one after the other, so that what slows the machine for a while slows both sides of a ratio.
local function over_rounds(count, f)
  local list = {}
  for i = 1, count do
    list[i] = f(i)
  end
  return median(list)
end

-- "1.23 x <= 1.3": a number with its goal and, where it was missed, that.
local function judge(number, form, goal, met)
  return form:format(number) .. (goal and (" (%s%s)"):format(goal, met and "" or ", MISSED") or "")
end

local rows = { { "call", "devices", "floor (C)", "guestlua", "Nova", "to the floor", "faster than Nova", "the floor is", "growth a device" } }

local function row(call, size)
  local floor, own, nova = values(call, size, "floor"), values(call, size, "guestlua"), values(call, size, "nova")
  local function us(list)
    return ("%.0f us"):format(median(list) / 1e3)
  end
  local function ratio(a, b)
    return over_rounds(#own, function(i)
      return a[i] / b[i]
    end)
  end
  local to_floor = ratio(own, floor)
  local r = {
    size == sizes[1] and call or "", tostring(size), us(floor), us(own), nova and us(nova) or missing.nova,
    judge(to_floor, "%.2f x", ("<= %g"):format(floor_goal), to_floor <= floor_goal), "", "", "",
  }
  if nova then
    local faster, goal = ratio(nova, own), nova_goal[size]
    r[7] = judge(faster, "%.1f x", goal and (">= %g"):format(goal), faster >= (goal or 0))
    r[8] = ("%.1f x"):format(ratio(nova, floor)) -- what nothing can exceed that asks libvirt for the XML and parses it
  end
  if size == sizes[3] then
    -- Linear: from 50 to 500 devices a further device costs what it costs from 5 to 50.
    local function slope(a, b)
      return (median(values(call, b, "guestlua")) - median(values(call, a, "guestlua"))) / (b - a)
    end
    local growth = slope(sizes[2], sizes[3]) / slope(sizes[1], sizes[2])
    r[9] = judge(growth, "%.2f x", ("<= %g"):format(growth_goal), growth <= growth_goal)
  end
  return r
end

for _, call in ipairs(calls) do
  for _, size in ipairs(sizes) do
    rows[#rows + 1] = row(call, size)
  end
end

local widths = {}
for _, cells in ipairs(rows) do
  for i, cell in ipairs(cells) do
    widths[i] = math.max(widths[i] or 0, #cell)
  end
end
for n, cells in ipairs(rows) do
  local padded = {}
  for i, cell in ipairs(cells) do
    padded[i] = cell .. (" "):rep(widths[i] - #cell)
  end
  print("| " .. table.concat(padded, " | ") .. " |")
  if n == 1 then
    for i, width in ipairs(widths) do
      padded[i] = ("-"):rep(width)
    end
    print("|-" .. table.concat(padded, "-|-") .. "-|")
  end
end
