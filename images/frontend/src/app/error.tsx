"use client";

import { Notice } from "@/components/notice";

export default function ErrorPage() {
  return (
    <Notice title="This did not work" action={{ label: "Try again", onClick: () => location.reload() }}>
      Something the app needs is not there at the moment, most likely its database. Your tasks are
      safe; try again shortly.
    </Notice>
  );
}
