"use client";

import { memo, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import type { TaskChange } from "@/lib/api";
import type { Item } from "@/lib/task-state";
import { PencilIcon, TrashIcon } from "./icons";
import styles from "./tasks.module.css";

interface Handlers {
  onChange(item: Item, change: TaskChange): void;
  onDelete(item: Item): void;
}

export const TaskItem = memo(function TaskItem({
  item,
  onChange,
  onDelete,
}: Handlers & { item: Item }) {
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);

  useEffect(() => {
    if (wasEditing.current && !editing) editButton.current?.focus();
    wasEditing.current = editing;
  }, [editing]);

  return (
    <li className={styles.item} data-completed={item.completed || undefined} aria-busy={item.id === null}>
      <input
        type="checkbox"
        className={styles.checkbox}
        aria-label={`Complete: ${item.title}`}
        checked={item.completed}
        onChange={(event) => onChange(item, { completed: event.target.checked })}
      />
      {editing ? (
        <EditForm
          item={item}
          onSave={(change) => {
            setEditing(false);
            if (Object.keys(change).length > 0) onChange(item, change);
          }}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <>
          <div className={styles.words} onDoubleClick={() => setEditing(true)}>
            <span className={styles.itemTitle}>{item.title}</span>
            {item.description && <span className={styles.notes}>{item.description}</span>}
          </div>
          <div className={styles.actions}>
            <button
              ref={editButton}
              type="button"
              className="icon-button"
              aria-label={`Edit: ${item.title}`}
              onClick={() => setEditing(true)}
            >
              <PencilIcon />
            </button>
            <button
              type="button"
              className="icon-button danger"
              aria-label={`Delete: ${item.title}`}
              onClick={() => onDelete(item)}
            >
              <TrashIcon />
            </button>
          </div>
        </>
      )}
    </li>
  );
});

function EditForm({
  item,
  onSave,
  onCancel,
}: {
  item: Item;
  onSave: (change: TaskChange) => void;
  onCancel: () => void;
}) {
  const id = useId();
  const titleInput = useRef<HTMLInputElement>(null);
  const notesInput = useRef<HTMLTextAreaElement>(null);
  const [empty, setEmpty] = useState(false);

  useEffect(() => {
    titleInput.current?.select();
  }, []);

  function save() {
    const title = titleInput.current?.value.trim() ?? "";
    const description = notesInput.current?.value.trim() || null;
    if (!title) {
      setEmpty(true);
      titleInput.current?.focus();
      return;
    }
    onSave({
      ...(title === item.title ? {} : { title }),
      ...(description === (item.description || null) ? {} : { description }),
    });
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") {
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      save();
    }
  }

  return (
    <form
      className={styles.edit}
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label htmlFor={`${id}-title`}>Title</label>
      <input
        ref={titleInput}
        id={`${id}-title`}
        className="input"
        defaultValue={item.title}
        maxLength={200}
        autoComplete="off"
        aria-invalid={empty}
        aria-describedby={empty ? `${id}-error` : undefined}
        onInput={() => setEmpty(false)}
      />
      {empty && (
        <p id={`${id}-error`} className={styles.invalid} role="alert">
          A task needs a few words.
        </p>
      )}
      <label htmlFor={`${id}-notes`}>Notes</label>
      <textarea
        ref={notesInput}
        id={`${id}-notes`}
        className="input"
        defaultValue={item.description ?? ""}
        maxLength={2000}
        rows={2}
      />
      <div className={styles.editActions}>
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button primary">
          Save
        </button>
      </div>
    </form>
  );
}
