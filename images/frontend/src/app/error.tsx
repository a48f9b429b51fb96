"use client";

import { Notice } from "@/components/notice";

export default function ErrorPage() {
  return (
    <Notice title="This did not work" action={{ label: "Try again", onClick: () => location.reload() }}>
      The app cannot reach its database at the moment. Nothing is lost; try again shortly.
    </Notice>
  );
}
