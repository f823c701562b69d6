-- The table guestlua.workflow, to which each module adds its workflows (steps.define); init.lua knows which module has which.

local define = require("guestlua.base.define")

local workflow = define.class("workflow", "Operations of more than one step: guestlua.workflow.snapshot_then_commit(guest, {…}) and so on. Each "
  .. "finishes or takes back what it did; its error has `workflow`, `step`, and `outcome`: how things were left.")
workflow.__index, workflow.__name = nil, nil -- it has no objects

return workflow
