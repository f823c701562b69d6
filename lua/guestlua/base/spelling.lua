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

-- Whether a letter of a short name is missing, too many, or has changed places with the next one: web is not wed.
local function is_slip(name, candidate)
  local different = 0
  for i = 1, #name do
    different = different + (name:byte(i) ~= candidate:byte(i) and 1 or 0)
  end
  return #name ~= #candidate or different ~= 1
end

-- The name that is close to it. A short name is close to many, so it has to be closer; short: one of two or three letters may be meant, too.
function spelling.nearest(name, names, short)
  local best, found = #name >= 8 and 2 or #name >= (short and 2 or 4) and 1 or 0, nil
  for _, candidate in ipairs(names) do
    local d = spelling.distance(name, candidate)
    if d <= best and (not found or d < best) and (#name >= 4 or is_slip(name, candidate)) then
      best, found = d, candidate
    end
  end
  return found
end

return spelling
