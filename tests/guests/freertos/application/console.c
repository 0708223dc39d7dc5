/*
 * The console's output and line editor. Output is written by the tasks that have something to say, a line at a
 * time under a lock.
 */
#include "console.h"

#include "board.h"
#include "commands.h"
#include "format.h"
#include "receiver.h"
#include "semphr.h"
#include "string.h"
#include "tasks.h"
#include "uart.h"

#define PROMPT          "rtos> "
#define NEW_LINE        "\r\n"
#define BACKSPACE       0x08
#define DELETE          0x7F
#define CONTROL_C       0x03
#define CONTROL_U       0x15
#define BELL            "\a"

static StaticSemaphore_t lock_block;
static SemaphoreHandle_t lock;

/* Under the lock. */
static struct {
    char line[CONSOLE_LINE_BYTES];
    size_t length;
    bool reading;           /* a line is being read: the prompt should be on the screen */
    bool prompt_visible;    /* it is, and the cursor stands behind prompt and line */
} editor;

/* A full FIFO is waited for by sleeping, so that tasks of any priority go on meanwhile. */
static void write(const char *text)
{
    while (*text != '\0') {
        unsigned room = uart_transmit_room();
        if (room == 0) {
            vTaskDelay(1);
        }
        for (; room > 0 && *text != '\0'; room--) {
            uart_write(*text++);
        }
    }
}

static void show_prompt(void)
{
    write(PROMPT);
    write(editor.line);
    editor.prompt_visible = true;
}

static void write_line(const char *line, bool streamed)
{
    xSemaphoreTake(lock, portMAX_DELAY);
    if (editor.prompt_visible) {
        write(NEW_LINE);
        editor.prompt_visible = false;
    }
    write(line);
    write(NEW_LINE);
    if (editor.reading && (!streamed || editor.length > 0)) {
        show_prompt();
    }
    xSemaphoreGive(lock);
}

void console_print(const char *pattern, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, pattern);
    format_arguments(line, sizeof(line), pattern, arguments);
    va_end(arguments);
    write_line(line, false);
}

void console_stream(const char *line)
{
    write_line(line, true);
}

static void append(char key)
{
    char echo[2] = { key, '\0' };

    if (editor.length + 1 == CONSOLE_LINE_BYTES) {
        write(BELL);
        return;
    }
    editor.line[editor.length++] = key;
    editor.line[editor.length] = '\0';
    write(echo);
}

static void erase(size_t count)
{
    for (; count > 0 && editor.length > 0; count--) {
        editor.line[--editor.length] = '\0';
        write("\b \b");
    }
}

/* Applies one key to the line. True when the line is complete. */
static bool edit(char key)
{
    switch (key) {
    case '\r':
    case '\n':
        return true;
    case BACKSPACE:
    case DELETE:
        erase(1);
        return false;
    case CONTROL_U:
        erase(editor.length);
        return false;
    case CONTROL_C:
        editor.length = 0;
        editor.line[0] = '\0';
        return true;
    default:
        if (key >= ' ' && key < DELETE) {
            append(key);
        }
        return false;
    }
}

static bool type(char key)
{
    xSemaphoreTake(lock, portMAX_DELAY);
    if (!editor.prompt_visible) {
        show_prompt();
    }
    bool complete = edit(key);
    if (complete) {
        write(NEW_LINE);
        editor.prompt_visible = false;
        editor.reading = false;
    }
    xSemaphoreGive(lock);
    return complete;
}

void console_read_line(char *line)
{
    static bool after_carriage_return;
    char key;

    xSemaphoreTake(lock, portMAX_DELAY);
    editor.length = 0;
    editor.line[0] = '\0';
    editor.reading = true;
    show_prompt();
    xSemaphoreGive(lock);
    for (;;) {
        receiver_take(&key, portMAX_DELAY);
        bool second_half = key == '\n' && after_carriage_return; /* CR LF is one end of line */
        after_carriage_return = key == '\r';
        if (!second_half && type(key)) {
            break;
        }
    }
    memcpy(line, editor.line, editor.length + 1);
}

static void console_task(void *unused)
{
    char line[CONSOLE_LINE_BYTES];

    (void)unused;
    commands_run_all(machine_facts.bootargs);
    for (;;) {
        console_read_line(line);
        command_run(line);
    }
}

void console_create(void)
{
    lock = xSemaphoreCreateMutexStatic(&lock_block);
    task_create(STACK_CONSOLE, "console", PRIORITY_CONSOLE, console_task, NULL);
}
