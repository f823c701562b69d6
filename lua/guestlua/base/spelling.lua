-- Guesses the name that was meant.

local spelling = {}

-- The number of letters to insert, delete, change or swap with the next one; more than 2 is 3.
function spelling.distance(a, b)
  if math.abs(#a - #b) > 2 then
    return 3
  end
  local before, previous = {}, {}
  for j = 0, #b do
    previous[j] = j
  end
  for i = 1, #a do
    local current = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j) and 0 or 1
      current[j] = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + same)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        current[j] = math.min(current[j], before[j - 2] + 1)
      end
    end
    before, previous = previous, current
  end
  return math.min(previous[#b], 3)
end

-- The name that is close to it. A short name is close to many, so it has to be closer.
function spelling.nearest(name, names)
  local best, found = #name >= 8 and 2 or #name >= 4 and 1 or 0, nil
  for _, candidate in ipairs(names) do
    local d = spelling.distance(name, candidate)
    if d <= best and (not found or d < best) then
      best, found = d, candidate
    end
  end
  return found
end

return spelling
