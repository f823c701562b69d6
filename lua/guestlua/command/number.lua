-- The number that an option's row asks for: row.integer, row.number, row.most, as in options.lua and arguments.lua.

-- The number; or nil and what is wrong with the text.
return function(row, text)
  local number = tonumber(text)
  number = row.integer and math.tointeger(number) or not row.integer and number
  if number and number >= 0 and number < math.huge and number <= (row.most or number) then
    return number
  end
  return nil, ("a %snumber from 0 %s expected, got '%s'"):format(row.integer and "whole " or "", row.most and "to " .. row.most or "up", text)
end
