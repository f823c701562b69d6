/* Task: Lua's handle of a task. */
#ifndef GL_TASK_CLASS_H
#define GL_TASK_CLASS_H

#include "call/class.h"
#include "loop/task.h"

/* guestlua.spawn */
extern const gl_opdef gl_task_spawn_op;
extern const gl_class gl_task_class;

/* The same, as a function that is pushed without allocating. */
int gl_task_spawn_here(lua_State *L);

/* The task of the Task at index, or NULL; its anchor is the Task's. [-0, +0, -] */
gl_task *gl_task_at(lua_State *L, int index);

/* core.heard(task): whether a wait has raised the task's error. */
int gl_task_heard(lua_State *L);

/* core.await_end(task): waits until it has ended, without hearing its error. */
int gl_task_await_end(lua_State *L);

#endif
